/**
 * The JSON behind the simulated providers' own pages, `/simulators/card/<session>`, `/simulators/bank/<session>`,
 * `/simulators/paypal/<session>` and `/simulators/local/<session>`.
 * They play another company's website: apart from the hosted pages in code and route, and absent in production.
 * Conventions (envelope, `x-page: 1`, decimal strings, `no-store`) are those of `src/hosted/wire.ts`.
 *
 * `return_url` brings the browser back to the merchant; it carries no outcome. The merchant learns the outcome by the
 * provider's signed callback alone.
 */
import type { Language, Money } from '../hosted/wire.ts'

interface SimulatorView {
  merchant_name: string
  amount: Money
  /** The merchant's reference as it will stand on the statement. */
  reference: string
  language: Language | null
  expires_at: string
  server_time: string
  return_url: string
}

// ── Card ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * | Call | Body | `data` |
 * |---|---|---|
 * | `GET /simulators/card/:session/api` | | `CardView` |
 * | `POST /simulators/card/:session/api/pay` | `CardRequest` | `CardView` |
 * | `POST /simulators/card/:session/api/three-d-secure` | `ThreeDSecureRequest` | `CardView` |
 * | `POST /simulators/card/:session/api/cancel` | `{}` | `CardView` |
 *
 * Errors: 404 `session_not_found`; 409 `action_not_allowed`; 422 `invalid_field` with `errors` by field of
 * `CardRequest`. A decline is no error but the state `declined`; a repeated `pay` after `paid` answers `paid` again.
 */
export interface CardView extends SimulatorView {
  /** `declined`: another card may be tried while `tries_left` > 0. */
  state: 'open' | 'three_d_secure_required' | 'declined' | 'paid' | 'cancelled' | 'expired'
  /** Set in `declined`. `message` is English and for people; the page has its own texts by code. */
  decline: { code: string; message: string } | null
  tries_left: number
  /** `"4242"` once a card was given. */
  card_last4: string | null
  test_cards: TestCard[]
}

export interface CardRequest {
  /** Digits; spaces forgiven. */
  number: string
  /** `MM/YY` */
  expiry: string
  code: string
  name: string
}

/** The simulated bank app: the code that approves is `123456`; `fail` is "it was not me". */
export type ThreeDSecureRequest =
  | { answer: 'code'; code: string }
  | { answer: 'approve' }
  | { answer: 'fail' }

export interface TestCard {
  number: string
  does: 'paid' | 'three_d_secure' | 'declined' | 'insufficient_funds' | 'charged_back'
}

// ── Open banking ──────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * | Call | Body | `data` |
 * |---|---|---|
 * | `GET /simulators/bank/:session/api` | | `BankView` |
 * | `POST /simulators/bank/:session/api/bank` | `{bank_id}` (or `null`: choose again) | `BankView` |
 * | `POST /simulators/bank/:session/api/login` | `{user, password}` | `BankView` |
 * | `POST /simulators/bank/:session/api/consent` | `{account_id}` | `BankView` |
 * | `POST /simulators/bank/:session/api/refuse` | `{}` the customer says no at the bank | `BankView` |
 * | `POST /simulators/bank/:session/api/cancel` | `{}` the customer goes back before | `BankView` |
 *
 * Errors: 404 `session_not_found`; 409 `action_not_allowed`; 422 `login_failed`; 422 `invalid_field` with `errors`.
 */
export interface BankView extends SimulatorView {
  state: 'choose_bank' | 'login' | 'consent' | 'paid' | 'refused' | 'cancelled' | 'expired'
  /** All of them; the page searches by itself. */
  banks: Bank[]
  bank: Bank | null
  /** After the login. */
  accounts: BankAccount[]
  /** Set in `refused`: `refused_by_customer`, `insufficient_funds`. */
  refusal: string | null
  /** A login that works, offered on tap. */
  test_login: { user: string; password: string }
}

export interface Bank {
  id: string
  name: string
  country: string
}

export interface BankAccount {
  id: string
  name: string
  iban: string
  balance: Money
  /** False when the balance doesn't cover the amount (choosing it refuses the payment, to try that way). */
  covers: boolean
}

// ── PayPal and the local methods ──────────────────────────────────────────────────────────────────────────────────

/**
 * | Call | Body | `data` |
 * |---|---|---|
 * | `GET /simulators/paypal/:session/api` | | `RedirectView` |
 * | `POST /simulators/paypal/:session/api/pay` | `{account_id}` | `RedirectView` |
 * | `POST /simulators/paypal/:session/api/cancel` | `{}` the customer goes back | `RedirectView` |
 * | `GET /simulators/local/:session/api` | | `RedirectView` |
 * | `POST /simulators/local/:session/api/pay` | `{}` on the page, or with the code as at a bank or a shop; again after `paid` or `expired` where there is a code | `RedirectView` |
 * | `POST /simulators/local/:session/api/refuse` | `{}` the customer's bank says no | `RedirectView` |
 * | `POST /simulators/local/:session/api/cancel` | `{}` the customer goes back | `RedirectView` |
 *
 * Errors: 404 `session_not_found`; 409 `action_not_allowed`; 422 `invalid_field` with `errors`.
 */
export interface RedirectView extends SimulatorView {
  state: 'open' | 'paid' | 'declined' | 'cancelled' | 'expired'
  /** `paypal`, `khipu`, `spei`, `pse`, `pagoefectivo`, `cvu`. */
  method: string
  /** What the customer pays with elsewhere: a CLABE, a CVU, the code of a cash payment. Null: on the page alone. */
  code: string | null
  /** All that was paid so far. */
  paid: Money
  /** Set in `declined`. */
  decline_code: string | null
  /** What the customer has at PayPal; empty for the local methods. */
  accounts: RedirectAccount[]
}

export interface RedirectAccount {
  id: string
  /** False: choosing it is declined, to try that way. */
  covers: boolean
}
