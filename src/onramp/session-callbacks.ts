import type { App } from '../app.ts'
import { recheckPayouts } from '../effects/payout-store.ts'
import type { CallbackHandler, CallbackProblem } from '../providers/callbacks/lane.ts'
import type { CardNotification } from '../providers/card/port.ts'
import type { OpenBankingNotification } from '../providers/open-banking/port.ts'
import { newsOfCard, newsOfOpenBanking, newsOfRedirect } from './ask-provider.ts'
import { applyChargeback } from './chargeback.ts'
import { applySessionNews, type SessionNews } from './session-news.ts'
import { findSession } from './session-store.ts'

type Needs = Pick<
  App,
  'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'providers' | 'wake' | 'log' | 'pageNews'
>

/** What the card provider tells of sessions, chargebacks, and of our refunds, which the effects then ask about. */
export function cardCallbacks(app: Needs): CallbackHandler {
  return async (callbacks) => {
    const provider = app.providers.card!.name
    const problems = await takeNews(
      app,
      callbacks.map(({ id, payload }) => ({ id, news: newsOfCard(provider, payload) })),
    )
    // After the news: a chargeback may have overtaken the payment it takes back.
    for (const { id, payload } of callbacks) {
      if (payload.type !== 'chargeback') continue
      await chargeBack(app, provider, payload).catch((error: Error) => {
        app.log.error({ err: error, providerRef: payload.providerRef }, 'A chargeback was not taken in.')
        problems.push({ id, reason: error.message })
      })
    }
    await lookAtRefunds(app, callbacks)
    return problems
  }
}

/** What PayPal, or the provider of the local methods, tells of sessions and of our refunds. */
export function redirectCallbacks(app: Needs, kind: 'paypal' | 'local'): CallbackHandler {
  return async (callbacks) => {
    const provider = app.providers[kind]!.name
    const problems = await takeNews(
      app,
      callbacks.map(({ id, payload }) => ({ id, news: newsOfRedirect(provider, payload) })),
    )
    await lookAtRefunds(app, callbacks)
    return problems
  }
}

/** Refunds that a provider tells of: the effects ask it what became of them. */
async function lookAtRefunds(app: Needs, callbacks: Parameters<CallbackHandler>[0]): Promise<void> {
  const refunds = callbacks.filter(({ payload }) => payload.type.startsWith('refund.'))
  if (refunds.length === 0) return
  await recheckPayouts(
    app.db,
    refunds.map(({ payload }) => payload.idempotencyKey),
    app.clock.now(),
  )
  app.wake('payouts')
}

async function chargeBack(
  app: Needs,
  provider: string,
  { providerRef, units, reason }: CardNotification & { type: 'chargeback' },
): Promise<void> {
  const session = await findSession(app.db, provider, providerRef)
  if (!session) return
  const { id: sessionId, paymentId } = session
  await applyChargeback(app, { paymentId, sessionId, provider, units: BigInt(units), reason })
}

/** What the open-banking provider tells of sessions. */
export function openBankingCallbacks(app: Needs): CallbackHandler {
  return (callbacks) => {
    const provider = app.providers.openBanking!.name
    return takeNews(
      app,
      callbacks.map(({ id, payload }) => ({
        id,
        news: newsOfOpenBanking(provider, payload as OpenBankingNotification),
      })),
    )
  }
}

async function takeNews(
  app: Needs,
  told: readonly { id: number; news: SessionNews | undefined }[],
): Promise<CallbackProblem[]> {
  const known = told.filter((one): one is { id: number; news: SessionNews } => one.news !== undefined)
  const strange = new Set(
    await applySessionNews(
      app,
      known.map(({ news }) => news),
    ),
  )
  // One that ended without money, whose beginning we took back, is nobody's matter.
  return known
    .filter(({ news }) => strange.has(news) && news.type !== 'ended')
    .map(({ id, news }) => ({ id, reason: `No session of ours is ${news.providerRef}.` }))
}
