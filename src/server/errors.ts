/**
 * Every error code of the API with its true HTTP status, which a caller sees under `Prefer: http-status`. Without
 * that header a business error answers 200, as the public documentation has it. The documentation's error page is
 * drawn from this table, and a test holds the two together.
 */
export const ERRORS = {
  authorization_incorrect: 401,
  user_banned: 403,
  require_kyc: 403,
  kyc_reinforced_required: 403,
  method_not_allowed: 403,
  wallet_blocked: 403,
  email_not_allowed: 403,
  user_not_in_integration: 403,
  user_not_found: 404,
  payment_not_found: 404,
  rampoff_not_found: 404,
  subscription_not_found: 404,
  event_not_found: 404,
  session_not_found: 404,
  account_not_found: 404,
  transaction_not_found: 404,
  user_already_exists: 409,
  external_id_already_used: 409,
  subscription_already_exists: 409,
  payment_not_cancellable: 409,
  payment_not_refundable: 409,
  payment_not_pending: 409,
  already_reconciled: 409,
  idempotency_key_reused: 409,
  request_in_progress: 409,
  quote_expired: 409,
  too_many_requests: 429,
  error_payment_creation: 502,
  price_unavailable: 503,
  coin_unavailable: 503,
  unexpected_error: 500,
  fail_mandatory_field: 422,
  invalid_field: 422,
  invalid_identification: 422,
  country_not_supported: 422,
  coin_not_supported: 422,
  fiat_not_supported: 422,
  guided_payment_eur_only: 422,
  min_purchase: 422,
  max_purchase: 422,
  min_sale: 422,
  max_sale: 422,
  limit_exceded: 422,
  currency_mismatch: 422,
  amount_mismatch: 422,
  invalid_wallet: 422,
  invalid_iban: 422,
  invalid_file: 422,
  invalid_type: 422,
  invalid_webhook_type: 422,
  invalid_webhook_url: 422,
  // Answered only to the customer's pages.
  page_header_missing: 403,
  not_the_owner: 403,
  verification_not_found: 404,
  password_required: 401,
  password_incorrect: 403,
  action_not_allowed: 409,
  handover_expired: 410,
  login_failed: 422,
  // Errors of the transport: their status is the same with and without the header.
  invalid_json: 400,
  not_found: 404,
  method_not_supported: 405,
  body_too_large: 413,
  unsupported_media_type: 415,
  headers_too_large: 431,
} as const

export type ErrorCode = keyof typeof ERRORS

/** These answer with their own status even without `Prefer: http-status`. */
export const TRANSPORT_ERRORS: ReadonlySet<ErrorCode> = new Set([
  'invalid_json',
  'not_found',
  'method_not_supported',
  'body_too_large',
  'unsupported_media_type',
  'headers_too_large',
  'too_many_requests',
])

/** Names each faulty field with what is wrong with it. */
export type FieldErrors = Record<string, string[]>

export interface FailureDetail {
  data?: unknown
  errors?: FieldErrors
  retryAfterSeconds?: number
  /** Answered with its true status and with `message` and `errors` alone, as one endpoint is documented. */
  inSentences?: true
}

/** An expected refusal. Thrown by `fail`, turned into an answer by the renderer alone. */
export class Failure extends Error {
  readonly code: ErrorCode
  readonly detail: FailureDetail
  constructor(code: ErrorCode, message: string, detail: FailureDetail = {}) {
    super(message)
    this.code = code
    this.detail = detail
  }
}

/** Refuses a request with one of the codes above and a text for people that says how to mend it. */
export function fail(code: ErrorCode, message: string, detail?: FailureDetail): never {
  throw new Failure(code, message, detail)
}

/** Why something that is right as far as its form goes is not accepted. */
export interface Refusal {
  code: ErrorCode
  message: string
  errors: FieldErrors
}

/** Refuses with the code of the first and the faults of all; `others` are faults that have no code of their own. */
export function refuseFirst(refusals: readonly Refusal[], others: FieldErrors = {}): void {
  const [first] = refusals
  if (!first) return
  const texts = Object.entries(others).map(([field, problems]) => `${field} ${problems[0]}.`)
  const message = [...refusals.map((refusal) => refusal.message), ...texts].join(' ')
  fail(first.code, message, { errors: { ...others, ...errorsOf(refusals) } })
}

/** The faults of all of them. */
export function errorsOf(refusals: readonly Refusal[]): FieldErrors {
  return Object.assign({}, ...refusals.map(({ errors }) => errors))
}
