import type { App } from '../app.ts'
import { applyChargeback } from './chargeback.ts'
import type { SessionNews } from './session-news.ts'
import { findSession } from './session-store.ts'
import { takerAccount } from './session-taker.ts'

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'wake' | 'pageNews' | 'log'>

/**
 * Takes in what payers took back, after the news were applied: a chargeback may have overtaken the payment it takes
 * back. The same one twice is one. Answers those that could not be taken in, with the reason.
 */
export async function applyChargebacks(
  app: Needs,
  news: readonly SessionNews[],
): Promise<Map<SessionNews, string>> {
  const failed = new Map<SessionNews, string>()
  for (const one of news) {
    if (one.type !== 'paid' || !one.chargedBack) continue
    const { provider, providerRef, chargedBack } = one
    try {
      const session = await findSession(app.db, provider, providerRef)
      if (!session || session.chargedBackAt) continue
      const account = takerAccount(session.paymentType, provider)
      const { id: sessionId, paymentId } = session
      await applyChargeback(app, { paymentId, sessionId, account, ...chargedBack })
    } catch (error) {
      app.log.error({ err: error, providerRef }, 'A chargeback was not taken in.')
      failed.set(one, (error as Error).message)
    }
  }
  return failed
}
