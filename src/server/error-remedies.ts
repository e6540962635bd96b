import type { ErrorCode } from './errors.ts'

/** How to mend what each code refuses, for people: the documentation's page of errors. */
export const ERROR_REMEDIES: Record<ErrorCode, string> = {
  authorization_incorrect:
    'Get a token with [authenticate](#authenticate) and send it as it is in the header `auth`, without `Bearer`. If that does not help, the call comes from an address that is not on your allowlist.',
  user_banned: 'Nothing can be bought or sold for this customer. Ask the operator.',
  require_kyc:
    'Send the customer to `data.kyc_form_url`, wait for `KYC_VALID`, and repeat the call with the same `external_id`.',
  kyc_reinforced_required:
    'Send the customer to `data.onboarding_link`, and repeat the call once the level is `reinforced`. A smaller amount may go through at once.',
  method_not_allowed:
    'Choose a method of [payment-methods](#listPaymentMethods), or ask the operator to activate it for you.',
  wallet_blocked: 'Ask the customer for another wallet. Repeating the call changes nothing.',
  email_not_allowed: 'Ask the customer for an address that lasts.',
  user_not_in_integration: 'Use the `id` that your own integration’s registration answered.',
  user_not_found:
    'Use the `id` that the registration answered. Another integration’s customers don’t exist for you.',
  payment_not_found:
    'Use the `payment_id` that the creation answered. Another integration’s payments don’t exist for you.',
  rampoff_not_found:
    'Use the `id` that [createRampoff](#createRampoff) answered. Another integration’s sales don’t exist for you.',
  subscription_not_found:
    'Subscribe first, with [subscribeToWebhook](#subscribeToWebhook). [subscriptions](#listWebhookSubscriptions) shows what there is.',
  event_not_found: 'Use the `id` of a delivery, or look it up in [webhooks/events](#listWebhookEvents).',
  session_not_found: 'Open the payment’s page again; it begins a new session.',
  account_not_found: 'Use an IBAN of one of your own accounts.',
  transaction_not_found: 'Use the `id` of a [transaction](#listBankTransactions) of your accounts.',
  user_already_exists: 'Go on with `data.id`; it is the same customer.',
  external_id_already_used:
    'Look the first one up before you create a second. For a new one choose a new `external_id`; it becomes free when a payment ended without coins.',
  subscription_already_exists:
    'Change the address with [updateWebhookSubscription](#updateWebhookSubscription).',
  payment_not_cancellable:
    'Look at the payment’s `status`. Where money has arrived already, [refund](#refundPayment) it.',
  payment_not_refundable:
    'Look at the payment’s `status`. What waits for money can be [cancelled](#cancelPayment); coins that left don’t come back.',
  payment_not_pending: 'Look at the payment’s `status`; create another payment to be paid.',
  already_reconciled:
    'Look at the [transaction](#listBankTransactions): `match.payments` says what it is for. If that is wrong, ask the operator to undo it.',
  idempotency_key_reused: 'Use a new key for each new call, and the old one only to repeat a call as it was.',
  request_in_progress: 'Wait as long as `Retry-After` says, then repeat the call with the same key.',
  quote_expired:
    'Ask for another quote ([to buy](#getQuote), [to sell](#getRampoffQuote)) and use it within 60 seconds, once, for the terms it names. Or leave `quote_id` out and take the price of the moment.',
  too_many_requests:
    'Wait as long as `Retry-After` says. `RateLimit` tells with each answer how many calls are left; webhooks spare you asking.',
  error_payment_creation:
    'Try again in a moment with the same `external_id`: no second payment comes of it. Or offer another method.',
  price_unavailable: 'Try again in a moment. Nothing is bought or sold at a stale price.',
  coin_unavailable: 'Try a smaller amount, another chain, or later.',
  unexpected_error:
    'Repeat the call with the same `Idempotency-Key`, so that nothing happens twice. If it stays, tell us the `X-Request-Id`.',
  fail_mandatory_field: 'Send every field that `errors` names.',
  invalid_field: 'Mend every field that `errors` names; the text says what is expected.',
  invalid_identification:
    'Check `identification_type` against the country, and the number against the document. `errors` says which of the two it is.',
  country_not_supported: 'Nothing to mend: customers of that country can’t be registered.',
  coin_not_supported: 'Choose a pair of [available-assets](#availableAssets).',
  fiat_not_supported:
    'Choose a currency of [payment-methods](#listPaymentMethods), or leave the field out for EUR.',
  guided_payment_eur_only: 'Leave `fiat_symbol` out, or send `EUR`. For other currencies use createPayment.',
  min_purchase: 'Ask for at least the amount in `message`.',
  max_purchase: 'Ask for less.',
  min_sale: 'Ask for more coins: worth at least the amount in `message`.',
  max_sale: 'Ask for fewer coins, or divide the sale.',
  limit_exceded:
    'Pay by another method, ask for less, or wait for the next calendar quarter. A customer with `reinforced` verification has higher limits.',
  currency_mismatch: 'Look for the payment in the transaction’s currency.',
  amount_mismatch:
    'Repeat the call with `"accept_difference": true` to take it by your policy, or take a part of the transaction with `amount`.',
  invalid_wallet:
    'Ask the customer for the address again: of that chain, with its checksum, and neither ours nor a token’s contract.',
  invalid_iban:
    'Ask the customer for the IBAN again. It must be of a country of SEPA, and the customer’s own account.',
  invalid_file:
    'Send a PDF, JPEG, PNG or WebP of at most 10 MiB, or an address that anybody can fetch it from.',
  invalid_type: 'Send one of the types that the call names.',
  invalid_webhook_type: 'Choose a type of [webhooks/available](#availableWebhooks).',
  invalid_webhook_url:
    'Use an https address on the public internet, without user name and password. The sandbox takes http and loopback too.',
  page_header_missing: 'Nothing for your program: open the page in a browser.',
  not_the_owner: 'Open the page in the browser that opened it first, or hand it over from there.',
  verification_not_found: 'Get a new link for the customer with [kyc/retry](#retryKyc).',
  password_required: 'Open the form with the password that [register/company](#registerCompany) answered.',
  password_incorrect:
    'Look at the password again. One that was lost is replaced by [kyc/retry](#retryKyc) with `new_password`.',
  action_not_allowed: 'Load the page again; it shows what is possible.',
  handover_expired: 'Ask for a new link on the first device.',
  login_failed: 'Use the login that the [sandbox’s magic values](#magic-values) name.',
  invalid_json: 'Send JSON in UTF-8, or a form with its `Content-Type`.',
  not_found: 'Compare the path with the [reference](#calling); every path begins with `/api`.',
  method_not_supported: 'Use the method that the [reference](#calling) names.',
  body_too_large: 'Send less. Large files go by their address, where a call takes one.',
  headers_too_large: 'Look for what grew by mistake: a token, a cookie, or a query string.',
  unsupported_media_type: 'Send `Content-Type: application/json` or `application/x-www-form-urlencoded`.',
}
