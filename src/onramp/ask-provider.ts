import type { App } from '../app.ts'
import type { CardNotification, CardSession } from '../providers/card/port.ts'
import type { OpenBankingNotification, OpenBankingSession } from '../providers/open-banking/port.ts'
import { ProviderError } from '../providers/provider-error.ts'
import type { RedirectNotification, RedirectSession } from '../providers/redirect/port.ts'
import type { SessionNews } from './session-news.ts'
import type { Session } from './session-store.ts'
import { takerOf } from './session-taker.ts'

type Needs = Pick<App, 'providers' | 'clock'>

/** Whether a session is only looked at, or ended so that nobody can pay it any more. */
export type Asking = 'look' | 'end'

/**
 * Asks the provider how a session stands, or ends it and asks what it ended as: "paid" wins. No news: it is open, or
 * it never came to be. Throws `ProviderError`.
 */
export async function askProvider(
  app: Needs,
  session: Session,
  asking: Asking,
): Promise<SessionNews | undefined> {
  const found = await readSession(app, session, asking)
  // That a session is open is news only of one whose beginning we never heard of.
  return found?.type === 'open' && session.providerRef !== null ? undefined : found
}

async function readSession(app: Needs, session: Session, asking: Asking): Promise<SessionNews | undefined> {
  if (session.paymentType === 'card') {
    const card = app.providers.card
    if (!card) throw notConfigured(session)
    const providerRef = session.providerRef ?? (await card.findSession(session.id))?.providerRef
    if (providerRef === undefined) return undefined
    return cardNews(
      await (asking === 'end' ? card.endSession(providerRef) : card.getSession(providerRef)),
      session.provider,
      app.clock.now(),
    )
  }
  const taker = takerOf(session.paymentType)
  if (taker === 'paypal' || taker === 'local') {
    const provider = app.providers[taker]
    if (!provider) throw notConfigured(session)
    const providerRef = session.providerRef ?? (await provider.findSession(session.id))?.providerRef
    if (providerRef === undefined) return undefined
    return redirectNews(
      await (asking === 'end' ? provider.endSession(providerRef) : provider.getSession(providerRef)),
      session.provider,
      app.clock.now(),
    )
  }
  const { openBanking } = app.providers
  if (!openBanking) throw notConfigured(session)
  const providerRef = session.providerRef ?? (await openBanking.findSession(session.id))?.providerRef
  if (providerRef === undefined) return undefined
  return openBankingNews(
    await (asking === 'end' ? openBanking.endSession(providerRef) : openBanking.getSession(providerRef)),
    session.provider,
  )
}

/** Its provider was taken out of the configuration while the session was open. */
const notConfigured = ({ id, provider }: Session): ProviderError =>
  new ProviderError(provider, 'not_sent', `session ${id} has no provider that is configured`)

function cardNews(card: CardSession, provider: string, now: Date): SessionNews | undefined {
  const { providerRef, reference, state } = card
  const name = { provider, providerRef, reference }
  switch (state) {
    case 'paid':
      return {
        ...name,
        type: 'paid',
        units: card.paidUnits,
        currency: card.currency,
        at: now,
        payer:
          card.holderName === null ? null : { name: card.holderName, iban: null, card_last4: card.cardLast4 },
      }
    case 'declined':
      return {
        ...name,
        type: 'declined',
        declines: card.declines,
        code: card.declineCode ?? 'card_declined',
        final: true,
      }
    case 'cancelled':
    case 'expired':
      return { ...name, type: 'ended', as: state }
    case 'open':
      if (card.declines === 0) return { ...name, type: 'open' }
      return {
        ...name,
        type: 'declined',
        declines: card.declines,
        code: card.declineCode ?? 'card_declined',
        final: false,
      }
  }
}

function openBankingNews(session: OpenBankingSession, provider: string): SessionNews | undefined {
  const { providerRef, reference, state, debtor } = session
  const name = { provider, providerRef, reference }
  switch (state) {
    case 'initiated':
      return {
        ...name,
        type: 'initiated',
        payer: { name: debtor?.name ?? '', iban: debtor?.iban ?? null, card_last4: null },
      }
    case 'refused':
      return { ...name, type: 'declined', declines: 1, code: session.refusal ?? 'bank_refused', final: true }
    case 'cancelled':
    case 'expired':
      return { ...name, type: 'ended', as: state }
    case 'open':
      return { ...name, type: 'open' }
  }
}

function redirectNews(session: RedirectSession, provider: string, now: Date): SessionNews | undefined {
  const { providerRef, reference, state, payerName } = session
  const name = { provider, providerRef, reference }
  switch (state) {
    case 'paid':
      return {
        ...name,
        type: 'paid',
        units: session.paidUnits,
        currency: session.currency,
        at: now,
        payer: payerName === null ? null : { name: payerName, iban: null, card_last4: null },
        chargedBack: session.chargedBack,
      }
    case 'declined':
      return { ...name, type: 'declined', declines: 1, code: session.declineCode ?? 'declined', final: true }
    case 'cancelled':
    case 'expired':
      return { ...name, type: 'ended', as: state }
    case 'open':
      return { ...name, type: 'open' }
  }
}

/** What a card provider's notification says of a session; refunds are taken elsewhere. */
export function newsOfCard(provider: string, notification: CardNotification): SessionNews | undefined {
  const { providerRef, reference } = notification
  const name = { provider, providerRef, reference }
  switch (notification.type) {
    case 'payment.paid':
      return {
        ...name,
        type: 'paid',
        units: BigInt(notification.units),
        currency: notification.currency,
        at: new Date(notification.at),
        payer: { name: notification.holder, iban: null, card_last4: notification.last4 },
      }
    case 'payment.declined': {
      const { declines, code, final } = notification
      return { ...name, type: 'declined', declines, code, final }
    }
    case 'session.cancelled':
      return { ...name, type: 'ended', as: 'cancelled' }
    case 'session.expired':
      return { ...name, type: 'ended', as: 'expired' }
    case 'chargeback':
      // Whoever charges back has paid: should that news still be on its way, this is it.
      return {
        ...name,
        type: 'paid',
        units: BigInt(notification.units),
        currency: notification.currency,
        at: new Date(notification.at),
        payer: null,
        chargedBack: { units: BigInt(notification.units), reason: notification.reason },
      }
    default:
      return undefined
  }
}

export function newsOfOpenBanking(
  provider: string,
  notification: OpenBankingNotification,
): SessionNews | undefined {
  const { providerRef, reference } = notification
  const name = { provider, providerRef, reference }
  switch (notification.type) {
    case 'payment.initiated': {
      const { debtor } = notification
      return { ...name, type: 'initiated', payer: { name: debtor.name, iban: debtor.iban, card_last4: null } }
    }
    case 'payment.refused':
      return { ...name, type: 'declined', declines: 1, code: notification.code, final: true }
    case 'session.cancelled':
      return { ...name, type: 'ended', as: 'cancelled' }
    case 'session.expired':
      return { ...name, type: 'ended', as: 'expired' }
  }
}

/** What PayPal's or a local provider's notification says of a session; refunds are taken elsewhere. */
export function newsOfRedirect(
  provider: string,
  notification: RedirectNotification,
): SessionNews | undefined {
  const { providerRef, reference } = notification
  const name = { provider, providerRef, reference }
  switch (notification.type) {
    case 'payment.paid':
      return {
        ...name,
        type: 'paid',
        units: BigInt(notification.paidUnits),
        currency: notification.currency,
        at: new Date(notification.at),
        payer: { name: notification.payer, iban: null, card_last4: null },
      }
    case 'chargeback':
      return {
        ...name,
        type: 'paid',
        units: BigInt(notification.paidUnits),
        currency: notification.currency,
        at: new Date(notification.at),
        payer: null,
        chargedBack: { units: BigInt(notification.units), reason: notification.reason },
      }
    case 'payment.declined':
      return { ...name, type: 'declined', declines: 1, code: notification.code, final: true }
    case 'session.cancelled':
      return { ...name, type: 'ended', as: 'cancelled' }
    case 'session.expired':
      return { ...name, type: 'ended', as: 'expired' }
    default:
      return undefined
  }
}
