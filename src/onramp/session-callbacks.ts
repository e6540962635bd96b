import type { App } from '../app.ts'
import { recheckPayouts } from '../effects/payout-store.ts'
import type { CallbackHandler, CallbackProblem } from '../providers/callbacks/lane.ts'
import type { OpenBankingNotification } from '../providers/open-banking/port.ts'
import { newsOfCard, newsOfOpenBanking, newsOfRedirect } from './ask-provider.ts'
import { takeWonDispute } from './dispute-won.ts'
import { applyChargebacks } from './session-chargebacks.ts'
import { applySessionNews, type SessionNews } from './session-news.ts'

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
    await lookAtRefunds(app, callbacks)
    for (const { payload } of callbacks) {
      if (payload.type === 'chargeback.won') await takeWonDispute(app, provider, payload)
    }
    return problems
  }
}

/** What PayPal, or the provider of the local methods, tells of sessions, disputes, and of our refunds. */
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
  const failed = await applyChargebacks(
    app,
    known.map(({ news }) => news),
  )
  const problems = known
    .filter(({ news }) => failed.has(news))
    .map(({ id, news }) => ({ id, reason: failed.get(news)! }))
  // One that ended without money, whose beginning we took back, is nobody's matter.
  const nobodys = known
    .filter(({ news }) => strange.has(news) && news.type !== 'ended')
    .map(({ id, news }) => ({ id, reason: `No session of ours is ${news.providerRef}.` }))
  return [...problems, ...nobodys]
}
