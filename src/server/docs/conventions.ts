import { type Page, sectionsOf } from './content.ts'

/** What holds for every call. */
export const conventionsPage = (): Page => ({
  path: '/docs/conventions',
  name: 'Conventions',
  title: 'Conventions',
  lead: 'What holds for every call: written once here, relied on everywhere.',
  sections: sectionsOf(CONVENTIONS),
})

const CONVENTIONS = `
## Calls

Every path begins with \`/api\`. Every call but [authenticate](#authenticate) carries the header \`auth: <token>\`, without
\`Bearer\`. A token is valid for 24 hours; a new one does not end older ones. A token that is missing, unknown or expired,
and a call from outside your allowlist, is [authorization_incorrect](#error-authorization_incorrect); so is a right key
pair from there.

Bodies are JSON or forms (\`application/x-www-form-urlencoded\`), in UTF-8. In a form, what lies deeper is named by
brackets: \`legal_representative[name]=Ana\`, of a list \`reasons[0][code]=blurred\`; at most 4 levels and 1,000 fields. Unknown
fields are ignored, an empty body is \`{}\`. A blank text in an optional field is wrong, not absent: leave the field out.

## Answers

Success is \`"status":"ok"\` with \`data\`:

\`\`\`json Success
{"status":"ok","data":{"id":100001}}
\`\`\`

Some calls are documented with another envelope, odd spelling included; the reference shows each as it comes:

| Call | \`status\` | \`message\` |
|---|---|---|
| createGuidedPayment | \`success\` | \`guided_payment_created\` |
| createPayment by card, open banking, PayPal or a local method | \`success\` | \`payment_created\` |
| createPayment by bank transfer | \`sucess\` | \`payment_created\` |

A refusal is HTTP **200** too. Branch on \`error\`; \`message\` is for people. See [errors](#refusals).

\`\`\`json A quote of 5 EUR
{"status":"error","error":"min_purchase","message":"The minimum is 20.00 EUR."}
\`\`\`

## The true status

Send \`Prefer: http-status\` (RFC 7240) and the same body comes with its true HTTP status; the answer says
\`Preference-Applied: http-status\`. We recommend it for new programs: proxies, logs and clients then see a refusal as one.
Each code’s status is in [errors](#error-codes).

\`\`\`text With the header
HTTP/1.1 422 Unprocessable Entity
Preference-Applied: http-status

{"status":"error","error":"min_purchase","message":"The minimum is 20.00 EUR."}
\`\`\`

Errors of the transport (an unknown path, unreadable JSON, a body too large, too many calls) have their own status
always. A wrong method is 405, with the right ones in the header \`Allow\`.

## Fields

A missing mandatory field is \`fail_mandatory_field\`, a wrong one \`invalid_field\`; \`errors\` names every faulty field at
once, so one answer is enough to correct all of them; what has a code of its own, such as \`invalid_file\`, is named beside
them. Text is UTF-8, in query strings too: other bytes, NUL and half characters are
\`invalid_field\`:

\`\`\`json A quote of 150.505 EUR
{
  "status": "error",
  "error": "invalid_field",
  "message": "amount must have at most 2 decimals in EUR.",
  "errors": { "amount": ["must have at most 2 decimals in EUR"] }
}
\`\`\`

Symbols of coins and names of chains come in any case; symbols go out in upper case, chains in lower case. \`payment_type\`
comes in any case.

## Idempotency

Send \`Idempotency-Key\` (at most 255 characters, such as a UUID) with any POST but \`authenticate\`, and repeat the call with the
same key when no answer arrived.

- The same key with an equal body gets the first answer byte for byte for 24 hours, with \`Idempotent-Replayed: true\`.
- Another body under the same key is \`idempotency_key_reused\`.
- While the first call still runs: \`request_in_progress\`, with \`Retry-After\`.
- A refusal is not remembered: correct the call and send it again under the same key.

The key belongs to your integration, the method and the path.

## external_id

Your own name for a payment, unique among your living ones. The same \`external_id\` with the same body answers the
payment that exists already, however often you ask and whether or not you sent a key; with another body it is
\`external_id_already_used\`. After a payment ended without coins (\`expired\`, \`cancelled\`, \`payment_rejected\`, \`refunded\`) the
name is free again.

## Lists

Lists come newest first. Take \`page\` (from 1) and \`per_page\` (25, at most 100) to leaf through them, or \`cursor\` to go
through everything. Beside \`data\` stands \`pagination\`; send its \`next_cursor\` as \`cursor\`, with
the same filters, until it is null. With another list or other filters a cursor is \`invalid_field\`, and so is a number that
is not written in plain digits (\`1e1\`, \`+1\`, \`01\`).

\`\`\`json pagination
{"current_page":1,"per_page":25,"total":431,"total_is_exact":true,"last_page":18,"next_cursor":"…"}
\`\`\`

Pages reach the first 10,000 rows; \`total\` is exact up to there. With a cursor \`total\`, \`last_page\` and \`current_page\` are null.
\`from\` is inclusive, \`to\` exclusive, both on \`created_at\`; on \`booked_at\` for an account’s transactions.

## Money

Amounts come in as JSON numbers or decimal text in major units (\`150.5\`, \`"150.50"\`) and are judged by the digits as sent:
more decimals than the currency has, exponents, signs and zero are refused, never rounded.

They go out as decimal text. The documented exceptions have an exact field beside them; calculate with that:

| Field | Is | Exact |
|---|---|---|
| \`fiat_amount\` of a payment | integer, in cents (hundredths, whatever the currency) | \`fiat_amount_exact\` |
| \`coin_amount\` of a payment | JSON number | \`coin_amount_exact\` |
| \`tokens\` of a quote | JSON number | \`tokens_exact\` |

All fees are inside the amount: \`tokens\` = (\`amount\` − \`fee\` − \`network_fee\`) ÷ \`price\`, rounded down at the coin’s last decimal.
\`price\` is the mid price; nothing is hidden in it.

## Ids and times

Payments have 25 letters and digits. Customers are integers; requests take them as text too, payment objects show them
as text. Times are ISO 8601 in UTC with six decimals: \`2026-06-26T10:30:00.000000Z\`.

## Rate limits

\`RateLimit\` tells with each answer how many calls are left in this minute, \`RateLimit-Policy\` how many there are. Beyond is
429 \`too_many_requests\` with \`Retry-After\`.

A call with a right token or key pair counts for your integration, under the policy \`minute\`. Every other call counts for the
address it comes from, under the policy \`address\`: without a token or with a wrong one, even to a path that does not exist.
The two are apart: nobody else’s calls take any of yours. Of one key ten wrong secrets in a minute from one address are
429; the right one is taken all the same.

Every answer has an \`X-Request-Id\`; name it when you ask us about a call.
`
