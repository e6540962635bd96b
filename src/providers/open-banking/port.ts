import type { ProviderNotification, RawCallback } from '../callback.ts'

/**
 * Whoever starts a bank payment for our customer at the customer's own bank. Its word is that the payment was
 * *initiated*; the money is ours only when our bank books it, an ordinary incoming transfer with the concept we gave.
 *
 * Where notifications go is registered with the provider once, not per session. Every method throws
 * `ProviderError`. Creating is idempotent by its key.
 */
export interface OpenBankingProvider {
  /** Names the provider in `payment_sessions.provider`. */
  readonly name: string
  createSession(request: OpenBankingSessionRequest): Promise<{ providerRef: string; url: string }>
  /** `rejected` with code `session_not_found` when the provider doesn't know it. */
  getSession(providerRef: string): Promise<OpenBankingSession>
  /** Finds the session an earlier `createSession` may have made before its answer was lost. */
  findSession(idempotencyKey: string): Promise<(OpenBankingSession & { url: string }) | undefined>
  /** Ends the session so that nobody can start a payment any more; `initiated` when the customer was faster. */
  endSession(providerRef: string): Promise<OpenBankingSession>
  /** Checks the signature and the time of a callback and reads it. Throws `CallbackRefused`. */
  parseCallback(callback: RawCallback): OpenBankingNotification[]
}

export interface OpenBankingSessionRequest {
  idempotencyKey: string
  /** Our payment's id. */
  reference: string
  units: bigint
  currency: string
  description: string
  merchantName: string
  returnUrl: string
  /** On the platform's clock; nobody can start a payment after it. */
  expiresAt: Date
  /** The account of ours that the money goes to. */
  creditor: { iban: string; name: string }
  /** Stands in the transfer, so that the incoming money finds its payment. */
  concept: string
  /** The customer as we know them. */
  customerName: string | null
  customerEmail: string | null
  language: string | null
}

/** `open`: the customer is choosing. `initiated`: the customer's bank took the order. The rest are ends without money. */
export type OpenBankingSessionState = 'open' | 'initiated' | 'refused' | 'cancelled' | 'expired'

export interface OpenBankingSession {
  providerRef: string
  reference: string
  state: OpenBankingSessionState
  units: bigint
  currency: string
  /** Whose account pays; null until `initiated`. */
  debtor: { name: string; iban: string } | null
  /** `refused_by_customer`, `insufficient_funds`, …; set in `refused`. */
  refusal: string | null
}

interface OfSession extends ProviderNotification {
  providerRef: string
  reference: string
}

export type OpenBankingNotification =
  | (OfSession & {
      type: 'payment.initiated'
      /** Decimal text, base units. */
      units: string
      currency: string
      debtor: { name: string; iban: string }
    })
  | (OfSession & { type: 'payment.refused'; code: string })
  /** Expired, or given up by the customer before a bank was asked. */
  | (OfSession & { type: 'session.expired' | 'session.cancelled' })
