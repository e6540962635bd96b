import type { ProviderNotification, RawCallback } from '../callback.ts'

/**
 * Whoever takes cards for us. The customer types the card on the provider's own page; what we learn comes by its
 * signed callback or by our asking, never by the browser's return.
 *
 * Where notifications go is registered with the provider once, not per session. Every method throws
 * `ProviderError`. Creating and refunding are idempotent by their key: the same key again answers what it answered
 * first, so that an `unknown` outcome is asked about by calling again or by `find…`.
 */
export interface CardProvider {
  /** Names the provider in the ledger (`card:<name>`) and in `payment_sessions.provider`. */
  readonly name: string
  createSession(request: CardSessionRequest): Promise<{ providerRef: string; url: string }>
  /** `rejected` with code `session_not_found` when the provider doesn't know it. */
  getSession(providerRef: string): Promise<CardSession>
  /** Finds the session an earlier `createSession` may have made before its answer was lost. */
  findSession(idempotencyKey: string): Promise<(CardSession & { url: string }) | undefined>
  /**
   * Ends the session so that nobody can pay it any more, and answers what it ended as: `paid` when the customer was
   * faster. Ending an ended session answers its state.
   */
  endSession(providerRef: string): Promise<CardSession>
  /** Pays back a part or all of what was paid. Done or failed is told later by a notification. */
  refund(request: CardRefundRequest): Promise<CardRefund>
  findRefund(idempotencyKey: string): Promise<CardRefund | undefined>
  /**
   * What payers took back, each as it stands now, by the time of its last change from `since` on: a notification may be
   * lost for good. `next` goes on where a page ended, null when there is no more.
   */
  listChargebacks(
    since: Date,
    next: string | null,
    limit?: number,
  ): Promise<{ chargebacks: CardChargeback[]; next: string | null }>
  /** Checks the signature and the time of a callback and reads it. Throws `CallbackRefused`. */
  parseCallback(callback: RawCallback): CardNotification[]
}

export interface CardSessionRequest {
  idempotencyKey: string
  /** Our payment's id; it stands on the customer's statement. */
  reference: string
  /** The currency's smallest units (cents). */
  units: bigint
  currency: string
  description: string
  /** Who sells, as the customer reads it on the provider's page. */
  merchantName: string
  /** Where the browser goes afterwards; it carries no outcome. */
  returnUrl: string
  /** On the platform's clock; nobody can pay after it. */
  expiresAt: Date
  /** The customer as we know them. */
  customerName: string | null
  customerEmail: string | null
  /** `es`, `en` or `pt`. */
  language: string | null
}

/**
 * `open`: may be paid, also after declines while tries are left. The rest are ends: `declined` when no try is left
 * or the provider refused for good.
 */
export type CardSessionState = 'open' | 'paid' | 'declined' | 'cancelled' | 'expired'

export interface CardSession {
  providerRef: string
  reference: string
  state: CardSessionState
  units: bigint
  currency: string
  /** 0 until paid. */
  paidUnits: bigint
  /** Of the card that paid or was tried last. */
  cardLast4: string | null
  holderName: string | null
  /** How many cards were declined so far. */
  declines: number
  /** Why the last one was, e.g. `insufficient_funds`; null when none was. */
  declineCode: string | null
  triesLeft: number
  threeDSecure: 'none' | 'required' | 'passed' | 'failed'
  chargedBack: boolean
}

export interface CardRefundRequest {
  idempotencyKey: string
  providerRef: string
  units: bigint
}

export interface CardRefund {
  refundRef: string
  providerRef: string
  units: bigint
  state: 'pending' | 'done' | 'failed'
  /** Why it failed. */
  reason: string | null
}

export interface CardChargeback {
  providerRef: string
  reference: string
  units: bigint
  currency: string
  reason: string
  /** `won`: the dispute was decided for us, and the money is here again. */
  state: 'charged_back' | 'won'
  /** By the provider's clock. */
  changedAt: Date
}

interface OfSession extends ProviderNotification {
  providerRef: string
  reference: string
}

export type CardNotification =
  | (OfSession & {
      type: 'payment.paid'
      /** Decimal text, base units. */
      units: string
      currency: string
      last4: string
      holder: string
      threeDSecure: 'none' | 'passed'
    })
  | (OfSession & {
      type: 'payment.declined'
      /** E.g. `card_declined`, `insufficient_funds`, `three_d_secure_failed`. */
      code: string
      declines: number
      /** True when the session ended with it. */
      final: boolean
      last4: string
      holder: string
    })
  /** Expired or given up by the customer. */
  | (OfSession & { type: 'session.expired' | 'session.cancelled' })
  | (OfSession & {
      type: 'refund.done' | 'refund.failed'
      refundRef: string
      idempotencyKey: string
      units: string
      reason: string | null
    })
  | (OfSession & { type: 'chargeback'; units: string; currency: string; reason: string })
  /** The dispute about a chargeback was decided for us. */
  | (OfSession & { type: 'chargeback.won'; units: string; currency: string })
