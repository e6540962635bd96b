/**
 * The JSON between the customer's pages (`web/`) and the server, under `/hosted/…`. Types only: both sides
 * import them, so that a page and its endpoint cannot drift apart.
 *
 * What holds for every call:
 * - Success is `{status:"ok", data}`, failure `{status:"error", error, message, errors?}`, with the true HTTP status.
 * - The page sends the header `x-page: 1` with every call; the server refuses a call without it (403
 *   `page_header_missing`). A form or script of another site can't send it without a preflight, which we never answer.
 * - Every answer carries `Cache-Control: no-store`.
 * - Amounts are decimal strings in major units, never numbers. Times are ISO 8601 UTC. Dates are `YYYY-MM-DD`.
 * - Texts are the page's own, in its three languages, found by code. `message` is shown only for unknown codes.
 * - Every call that changes something answers the whole new view, so the page never has to ask again.
 * - Long poll: `GET …?after=<version>` waits until the view's `version` is another one, at most 25 s, then answers
 *   the view as it is. Without `after` it answers at once.
 */

export type Language = 'en' | 'es' | 'pt'
export type Iso = string
export type Day = string

/** An amount of fiat money: `{amount: "150.50", currency: "EUR"}`. */
export interface Money {
  amount: string
  currency: string
}

export interface Ok<T> {
  status: 'ok'
  data: T
}

export interface Failure {
  status: 'error'
  error: string
  message: string
  /** Only where the call says so. */
  data?: unknown
  /** By field, as the API does. In the KYC calls each text is a machine code of `FieldProblem` where one fits. */
  errors?: Record<string, string[]>
}

/** Who stands on top of the page, and who operates it. */
export interface Brand {
  name: string
  /** A path on our own host or a `data:` address: the page's content policy loads pictures from nowhere else. */
  logo_url: string | null
  /** `#rrggbb`. The page derives shades of it that keep their contrast in light and dark. */
  color: string | null
  operator: {
    name: string
    terms_url: string | null
    privacy_url: string | null
    support_email: string | null
  }
}

/** What all views of a hosted page share. */
export interface PageView {
  /** Opaque; changes whenever anything in the view but `server_time` changes. */
  version: string
  /** The platform's clock (which a sandbox can move): countdowns run against it, not against the device's clock. */
  server_time: Iso
  environment: 'sandbox' | 'production'
  brand: Brand
  /** The customer's language as the integrator registered it. The page's own switch wins over it. */
  language: Language | null
}

// ── Payment: /payment/<payment_id> ────────────────────────────────────────────────────────────────────────────────

/**
 * | Call | Body | `data` |
 * |---|---|---|
 * | `POST /hosted/payment/:id/open` | `OpenRequest` | `PaymentView` |
 * | `POST /hosted/payment/open` | `GatewayOpenRequest` | `PaymentView` |
 * | `GET /hosted/payment/:id?after=` | | `PaymentView` |
 * | `POST /hosted/payment/:id/handover` | `{}` | `Handover` |
 * | `POST /hosted/payment/:id/method` | `MethodRequest` | `PaymentView` |
 * | `POST /hosted/payment/:id/wallet/check` | `WalletCheckRequest` | `WalletCheck` |
 * | `POST /hosted/payment/:id/wallet` | `WalletRequest` | `PaymentView` |
 * | `POST /hosted/payment/:id/price/accept` | `AcceptPriceRequest` | `PaymentView` |
 * | `POST /hosted/payment/:id/pay` | `{}` | `PayResult` |
 * | `POST /hosted/payment/:id/sent` | `{}` | `PaymentView` |
 * | `POST /hosted/payment/:id/cancel` | `{}` | `PaymentView` |
 *
 * Errors: 404 `payment_not_found`; 403 `not_the_owner` (this browser may only look); 409 `action_not_allowed` (not in
 * `allowed` any more: the page fetches the view again); 409 `quote_expired`; 410 `handover_expired`; 422
 * `fail_mandatory_field`, `invalid_field`, `invalid_wallet`, `min_purchase`, `max_purchase`, `limit_exceded`; 403
 * `wallet_blocked`, `method_not_allowed`; 502 `error_payment_creation`; 503 `price_unavailable`, `coin_unavailable`; 429.
 *
 * The owner's cookie is HttpOnly, SameSite=Lax, Path `/hosted/payment/<id>`, Secure outside the loopback. Only
 * `open` sets it, never a GET: a messenger that previews the link must not become the owner.
 */
export interface OpenRequest {
  /** The one-time code of a hand-over link. With it this browser becomes the owner and the former one a viewer. */
  handover?: string
}

/**
 * `/gateway/<method>?token=…`: the token is a secret of its own, so whoever has it becomes the owner. The page is shown
 * there for a transfer, and for the others when the browser could not be sent on to the provider.
 */
export interface GatewayOpenRequest {
  gateway_token: string
}

export interface Handover {
  /**
   * `<public url>/payment/<payment_id>#h=<code>`. The code stands in the fragment, which no server, log or
   * `Referer` ever sees; the page takes it out of the address at once.
   */
  url: string
  expires_at: Iso
}

/** As in the API: the contract's word for each state. */
export type PaymentStatus =
  | 'started'
  | 'pending_bank'
  | 'in_review'
  | 'payment_received'
  | 'coins_sent'
  | 'expired'
  | 'cancelled'
  | 'payment_rejected'
  | 'refunded'

/** What this browser may do now. The page offers nothing else; empty for a viewer. */
export type PaymentAction =
  | 'choose_method'
  | 'set_wallet'
  | 'accept_price'
  | 'pay'
  | 'say_sent'
  | 'cancel'
  | 'hand_over'

export interface PaymentView extends PageView {
  payment_id: string
  /** `viewer`: another browser holds this payment. Wallet and txid are masked, `bank_transfer`, `callback_url`, `holder`, `sandbox` are null, `allowed` is empty. */
  access: 'owner' | 'viewer'
  status: PaymentStatus
  /** Why it ended so, or null: `declined` (too many declines or a final refusal), `charged_back`, `session_expired`, … */
  status_reason: string | null
  allowed: PaymentAction[]
  created_at: Iso
  /** When the present state ends by itself, or null in a final state. */
  expires_at: Iso | null
  /** The method chosen or preset. The price and fees below are for this method. */
  payment_type: string
  /** True when the integrator fixed the method (no guided payment): the page skips that step. */
  method_fixed: boolean
  methods: PaymentMethod[]
  price: Price
  /**
   * The price of now, when `price` has run out before payment. Nothing goes on until the customer accepts it. It has
   * its own `expires_at`; after that the page asks for the view again and shows the next.
   */
  new_price: Price | null
  wallet: WalletView
  session: ProviderSession | null
  /** Instructions, once the customer chose to pay by transfer; null before and for other methods. */
  bank_transfer: BankTransfer | null
  /** What came in so far, null before the first cent. */
  received: { total: Money; missing: Money | null; at: Iso } | null
  /** The coins on their way, null before `payment_received`. */
  delivery: Delivery | null
  refund: Refund | null
  /** Where the customer goes back to, query with `payment_id` and `status` already in it; null: there is no way back. */
  callback_url: string | null
  sandbox: PaymentSandbox | null
}

/** A price as shown to the customer: all of it, `fiat = fees + tokens × rate`. */
export interface Price {
  /** Opaque (the signed quote of these terms). `price/accept` sends it back: the price accepted is the price shown. */
  offer_id: string
  /** All the customer pays; fees are inside it. */
  fiat: Money
  /** Fiat per token, mid price. */
  rate: string
  /** Each fee that is not zero, in the order to show. */
  fees: Fee[]
  fees_total: Money
  token: TokenAmount
  /** `fixed`: holds until `expires_at`. `estimate`: a transfer, priced when the money arrives. */
  kind: 'fixed' | 'estimate'
  expires_at: Iso | null
}

export interface Fee {
  kind: 'percent' | 'fixed' | 'spread' | 'network'
  amount: Money
  /** For `percent` and `spread`: `"2.50"`. */
  percent: string | null
}

export interface TokenAmount {
  amount: string
  symbol: string
  name: string
  chain: string
  chain_name: string
}

export interface PaymentMethod {
  payment_type: string
  fees_total: Money
  /** What arrives when this method is chosen. */
  token: TokenAmount
  settlement: 'instant' | 'hours' | 'days'
  min: Money
  max: Money
  /**
   * Null when it may be chosen; else why not. The page shows it greyed, with the reason. `needs_reinforced`: the
   * enhanced verification would make it possible. Choosing it all the same is refused with 422 `limit_exceded` or 403
   * `kyc_reinforced_required`, whose `data` is `OnboardingOffer`.
   */
  unavailable: 'below_min' | 'above_max' | 'limit_reached' | 'needs_reinforced' | 'not_available' | null
}

export interface WalletView {
  /** For a viewer shortened by the server: `0x71C7…976F`. */
  address: string | null
  /** Set by the integration for this chain, or given at creation: the page leaves the step out. */
  fixed: boolean
  chain: string
  chain_name: string
  /** Which rules an address of this chain follows, for the check as it is typed. */
  kind: 'evm' | 'bitcoin' | 'other'
}

export interface WalletCheckRequest {
  wallet: string
}

export interface WalletCheck {
  ok: boolean
  /** Written as it should be (checksummed), when `ok`. */
  address: string | null
  /** Null when `ok`. */
  problem: WalletProblem | null
}

export type WalletProblem =
  | 'empty'
  | 'malformed'
  | 'checksum'
  | 'wrong_chain'
  | 'zero_address'
  | 'token_contract'
  | 'our_own'
  | 'blocked'

/** A refused wallet: 422 `invalid_wallet` or 403 `wallet_blocked`, with `errors: {wallet: [<WalletProblem>]}`. */
export interface WalletRequest {
  wallet: string
  /** "I control this wallet", ticked by the customer. Anything else: `invalid_field`. */
  confirm: true
}

export interface MethodRequest {
  payment_type: string
}

/** The `data` of a refusal that the enhanced verification would lift: where the customer goes for it. */
export interface OnboardingOffer {
  onboarding_link: string
}

export interface AcceptPriceRequest {
  offer_id: string
}

export interface PayResult {
  /** Where the browser goes now (the provider's page, http or https), or null when the view holds the bank instructions. */
  redirect_url: string | null
  view: PaymentView
}

/** The customer's last or present visit to a provider's page (card, open banking). */
export interface ProviderSession {
  /**
   * `open`: begun, the customer may go on (`pay` answers the same page again). `confirming`: the customer came back,
   * we wait for the provider's word. `declined`, `abandoned`, `failed` (the provider did not begin it): another try may
   * be made when `allowed` has `pay`.
   */
  state: 'open' | 'confirming' | 'declined' | 'abandoned' | 'failed' | 'paid'
  /** Why it was declined: a `DeclineCode`, or another code for which the page has a general text. Null if not declined. */
  decline_code: string | null
  tries_left: number
}

export type DeclineCode =
  | 'card_declined'
  | 'insufficient_funds'
  | 'expired_card'
  | 'incorrect_number'
  | 'incorrect_cvc'
  | 'lost_or_stolen'
  | 'card_not_supported'
  | 'three_d_secure_failed'
  | 'bank_refused'
  | 'processing_error'

export interface BankTransfer {
  holder: string
  iban: string
  bic: string
  bank_name: string | null
  amount: Money
  /** Digits, to be written as they are. */
  concept: string
}

export interface Delivery {
  /** `waiting`: paid, the coins will be sent as soon as we have them. `sending`: no transaction yet. */
  state: 'waiting' | 'sending' | 'confirming' | 'confirmed'
  txid: string | null
  /** http(s) link to the block explorer, null where the chain has none (a sandbox chain of our own). */
  explorer_url: string | null
  confirmations: number | null
  confirmations_needed: number | null
  paid_at: Iso
  sent_at: Iso | null
  confirmed_at: Iso | null
}

export interface Refund {
  state: 'planned' | 'sent' | 'confirmed' | 'failed'
  amount: Money
  /** A code; the page has texts for `short`, `excess`, `late`, `third_party`, `review_refused`, `review_timeout`, `undeliverable`, `requested`. */
  reason: string
  created_at: Iso
}

/** Values that the sandbox band offers. */
export interface PaymentSandbox {
  /** An address of the right chain that may be used for trying. */
  wallet: string
}

// ── Verification: /kyc/<token> ────────────────────────────────────────────────────────────────────────────────────

/**
 * | Call | Body | `data` |
 * |---|---|---|
 * | `GET /hosted/kyc/:token?after=` | | `KycView` |
 * | `PUT /hosted/kyc/:token/data` | `KycDataRequest` | `KycView` |
 * | `POST /hosted/kyc/:token/identification/check` | `IdentificationCheckRequest` | `IdentificationCheck` |
 * | `PUT /hosted/kyc/:token/photos/:kind` | the picture's bytes, `Content-Type: image/jpeg|png|webp`, ≤ 10 MiB | `PhotoResult` |
 * | `POST /hosted/kyc/:token/submit` | `{declare: true}` | `KycView` |
 *
 * The token is the secret; whoever has the link may fill the form, so it can be gone on with on a phone.
 *
 * Errors: 404 `verification_not_found`; 409 `action_not_allowed` (the phase is no longer `form` or `mend`, or the field
 * is not one to mend); 422 `fail_mandatory_field`, `invalid_field` with `errors` by `KycField` or `PhotoKind`, each a
 * `FieldProblem`; 422 `invalid_identification` with `errors.identification_number`; 422 `country_not_supported`; 422
 * `invalid_file` (no JPEG, PNG or WebP by its content); 413 `body_too_large`. An expired link is no error but the
 * phase `expired`, so that the page can still say who sent it.
 */
export type KycPhase =
  /** To be filled for the first time, step by step. */
  | 'form'
  /**
   * Rejected in parts: `reasons` names what to mend; everything else stays as sent and can't be changed. Country, type
   * and number of the document hang together: where `reasons` names one of them, all three may be changed.
   * A rejected photo is absent from `photos` until another was sent.
   */
  | 'mend'
  /** Sent, being decided. */
  | 'processing'
  /** A person looks at it. */
  | 'review'
  | 'valid'
  /** Closed. `reasons` tells why. */
  | 'fail'
  | 'expired'

export interface KycView extends PageView {
  phase: KycPhase
  data: KycData
  /** The fields to ask for, those in `optional` may stay empty. A name the page doesn't know is ignored. */
  asked: KycField[]
  optional: KycField[]
  countries: KycCountry[]
  photos: KycPhoto[]
  reasons: KycReason[]
  /** When the link ends. */
  expires_at: Iso
  /** Youngest customer in years: the page says so as the birth date is typed. */
  min_age: number
  /** The address of this page for the QR code "go on on your phone". */
  page_url: string
  /** Where the customer goes back to, query with `user_id` and `status` already in it. */
  callback_url: string | null
  sandbox: KycSandbox | null
}

export type KycField =
  | 'name'
  | 'last_name'
  | 'birth_date'
  | 'email'
  | 'phone'
  /** Where the customer lives. */
  | 'country'
  | 'address'
  | 'city'
  | 'postal_code'
  /** Which country issued the document. Many customers of a remittance company live in one country with the papers of another. Falls back to `country`. */
  | 'identification_country'
  | 'identification_type'
  | 'identification_number'
  /** Last valid day of the document; null for papers that don't expire. */
  | 'identification_expires_on'

/** What is known, prefilled by the integrator or saved before; null: not yet. `email` is shown, never changed here. */
export type KycData = Record<KycField, string | null>

/** Any part of the fields; saved all or nothing. Blank strings clear an optional field. */
export type KycDataRequest = Partial<Record<Exclude<KycField, 'email'>, string>>

export interface KycCountry {
  /** ISO 3166-1 alpha-2; the page names it in its own language. */
  code: string
  /** Whether a customer may live there; else it can only have issued the document. */
  residence: boolean
  identification_types: IdentificationType[]
}

export interface IdentificationType {
  type: string
  /** A passport has one side. */
  needs_back: boolean
  /** A number that passes the rule, shown as an example. */
  example: string
}

export interface IdentificationCheckRequest {
  country: string
  type: string
  number: string
}

export interface IdentificationCheck {
  ok: boolean
  /** Written as the country writes it, when `ok`. */
  number: string | null
  problem: FieldProblem | null
}

export type PhotoKind = 'document_front' | 'document_back' | 'face_image'

export interface KycPhoto {
  kind: PhotoKind
  uploaded_at: Iso
  /** Empty: good. A poor photo is kept and may be sent, but the page advises another. */
  problems: PhotoProblem[]
}

/** `unreadable`: there is nothing on it, a lens cap or a wall. */
export type PhotoProblem = 'blurred' | 'too_dark' | 'too_bright' | 'too_small' | 'unreadable'

export interface PhotoResult {
  photo: KycPhoto
  view: KycView
}

/** What is wrong with a field or photo. The page has a text for each, in each language. */
export type FieldProblem =
  | 'required'
  | 'invalid'
  | 'too_long'
  | 'too_young'
  | 'in_the_future'
  | 'document_expired'
  | 'wrong_format'
  | 'wrong_check_digit'
  | 'country_not_supported'
  | 'type_not_of_country'
  /** Reasons of a rejection: */
  | 'does_not_match_document'
  | 'unreadable'
  | 'blurred'
  | 'too_dark'
  | 'too_bright'
  | 'too_small'
  | 'wrong_document'
  | 'document_cropped'
  | 'face_not_visible'
  | 'face_does_not_match'
  | 'not_an_image'
  /** Reasons of a final no: */
  | 'not_accepted'

export interface KycReason {
  /** Null: about the person as a whole. */
  field: KycField | PhotoKind | null
  code: FieldProblem
  /** For people, in the API's words; shown only when the page doesn't know the code. */
  text: string
}

/** Values that the sandbox band offers: data which pass every check, by country of the document. */
export interface KycSandbox {
  data: KycDataRequest
}
