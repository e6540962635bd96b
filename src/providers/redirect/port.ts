import type { ProviderNotification, RawCallback } from '../callback.ts'

/**
 * Whoever takes money for us on a page of its own, to which the customer is sent: PayPal, where the customer approves,
 * and the local methods of Latin America, where the customer pays there, or later at a bank or a shop with a code. What
 * we learn comes by its signed callback or by our asking, never by the browser's return.
 *
 * Where notifications go is registered with the provider once, not per session. Every method throws `ProviderError`.
 * Creating and refunding are idempotent by their key: the same key again answers what it answered first.
 */
export interface RedirectProvider {
  /** Names the provider in the ledger (`paypal:<name>`, `local:<name>`) and in `payment_sessions.provider`. */
  readonly name: string
  createSession(request: RedirectSessionRequest): Promise<{ providerRef: string; url: string }>
  /** `rejected` with code `session_not_found` when the provider doesn't know it. */
  getSession(providerRef: string): Promise<RedirectSession>
  /** Finds the session an earlier `createSession` may have made before its answer was lost. */
  findSession(idempotencyKey: string): Promise<(RedirectSession & { url: string }) | undefined>
  /**
   * Ends the session so that its page takes nothing any more, and answers what it ended as: `paid` when the customer
   * was faster. A code that the customer holds may be paid all the same; that is told like any payment.
   */
  endSession(providerRef: string): Promise<RedirectSession>
  /** Pays back a part or all of what was paid, to whoever paid it. Done or failed is told later by a notification. */
  refund(request: RedirectRefundRequest): Promise<RedirectRefund>
  findRefund(idempotencyKey: string): Promise<RedirectRefund | undefined>
  /** Checks the signature and the time of a callback and reads it. Throws `CallbackRefused`. */
  parseCallback(callback: RawCallback): RedirectNotification[]
}

export interface RedirectSessionRequest {
  idempotencyKey: string
  /** `paypal`, `khipu`, `spei`, … */
  method: string
  /** Our payment's id. */
  reference: string
  /** The currency's smallest units. */
  units: bigint
  currency: string
  description: string
  /** Who sells, as the customer reads it on the provider's page. */
  merchantName: string
  /** Where the browser goes afterwards; it carries no outcome. */
  returnUrl: string
  /** On the platform's clock; nobody can pay on the page after it. */
  expiresAt: Date
  /** The customer as we know them. */
  customerName: string | null
  customerEmail: string | null
  /** `es`, `en` or `pt`. */
  language: string | null
}

/** `open`: may be paid. The rest are ends; only `paid` may follow another one, by a code that was paid late. */
export type RedirectSessionState = 'open' | 'paid' | 'declined' | 'cancelled' | 'expired'

export interface RedirectSession {
  providerRef: string
  reference: string
  state: RedirectSessionState
  /** What was asked. */
  units: bigint
  currency: string
  /** All that was paid so far: 0 until paid, more than asked when it was paid twice. */
  paidUnits: bigint
  payerName: string | null
  /** Why it was declined; set in `declined`. */
  declineCode: string | null
  /** What the buyer took back by a dispute, and why; null where nobody did. */
  chargedBack: { units: bigint; reason: string } | null
}

export interface RedirectRefundRequest {
  idempotencyKey: string
  providerRef: string
  units: bigint
}

export interface RedirectRefund {
  refundRef: string
  providerRef: string
  units: bigint
  state: 'pending' | 'done' | 'failed'
  /** Why it failed. */
  reason: string | null
}

interface OfSession extends ProviderNotification {
  providerRef: string
  reference: string
}

export type RedirectNotification =
  | (OfSession & {
      type: 'payment.paid'
      /** All that was paid so far: decimal text, base units. A second payment raises it. */
      paidUnits: string
      currency: string
      payer: string
    })
  | (OfSession & { type: 'payment.declined'; code: string })
  /** Expired or given up by the customer. */
  | (OfSession & { type: 'session.expired' | 'session.cancelled' })
  | (OfSession & {
      type: 'refund.done' | 'refund.failed'
      refundRef: string
      idempotencyKey: string
      units: string
      reason: string | null
    })
  /** The buyer disputed the payment and got the money back: not more than was paid and is not refunded. */
  | (OfSession & {
      type: 'chargeback'
      units: string
      /** All that was paid, should this overtake the news of it. */
      paidUnits: string
      currency: string
      reason: string
    })
