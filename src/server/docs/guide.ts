/** The Buy-Flow guide: from nothing to coins in the customer's wallet. `api` is the address with `/api`. */
export function buyFlow(api: string, sandbox: boolean): string {
  const pair = sandbox
    ? '{"api_key":"sandbox-key","api_secret":"sandbox-secret"}'
    : '{"api_key":"…","api_secret":"…"}'
  const verify = sandbox
    ? `

Or let the sandbox decide at once:

\`\`\`sh Sandbox: verified
curl "${api}/sandbox/kyc" -H "auth: $TOKEN" -H 'content-type: application/json' \\
  -d '{"user_id":'$USER_ID',"outcome":"valid"}'
\`\`\``
    : ''
  const pay = sandbox
    ? `

Or let the sandbox pay:

\`\`\`sh Sandbox: paid
curl -X POST "${api}/sandbox/payments/$PAYMENT_ID/pay" -H "auth: $TOKEN"
\`\`\``
    : ''
  return `
### 1. Get a token

It is valid for 24 hours and goes into the header \`auth\` of every other call, as it is.

\`\`\`sh authenticate
TOKEN=$(curl -s "${api}/authenticate" -H 'content-type: application/json' \\
  -d '${pair}' \\
  | grep -o '"token":"[^"]*' | cut -d'"' -f4); echo "$TOKEN"
\`\`\`

### 2. Ask what an amount buys

The fees are inside the amount. The quote’s \`quote_id\` holds its price for 60 seconds and can be used once; leave it out
to get the price of the moment.

\`\`\`sh quote
curl "${api}/quote?amount=150.50&symbol=USDC&chain=polygon&payment_type=card" -H "auth: $TOKEN"
\`\`\`

### 3. Register the customer

\`\`\`sh registerUser
USER_ID=$(curl -s "${api}/registerUser" -H "auth: $TOKEN" -H 'content-type: application/json' \\
  -d '{"name":"Lucía","last_name":"Fernández","email":"lucia'$RANDOM'@example.com","country":"ES"}' \\
  | grep -o '"id":[0-9]*' | cut -d: -f2); echo "$USER_ID"
\`\`\`

### 4. The customer verifies

Send the customer to \`kyc_form_url\` of that answer. You hear of the end by the webhook \`KYC_VALID\` or \`KYC_FAIL\`,
or ask [kyc/check](#checkKyc).${verify}

### 5. Create the payment

\`\`\`sh createGuidedPayment
PAYMENT_ID=$(curl -s "${api}/createGuidedPayment" -H "auth: $TOKEN" -H 'content-type: application/json' \\
  -d '{"user_id":'$USER_ID',"coin_symbol":"USDC","coin_chain":"polygon","fiat_amount":"150.50","wallet":"0x52908400098527886E0F7030069857D2E4169EE7"}' \\
  | grep -o '"payment_id":"[^"]*' | cut -d'"' -f4); echo "$PAYMENT_ID"
\`\`\`

Your own id in \`external_id\` makes the call safe to repeat: the same \`external_id\` with the same body answers the
payment that exists already.

### 6. The customer pays

Send the customer to \`gateway_url\`. There the customer sees amount, coins and fees, chooses how to pay, gives the wallet
unless you did, and pays.${pay}

### 7. The coins arrive

\`PAY_IN\` tells that the money came, \`COINS_SENT\` that the coins are final on the chain, with the transaction’s hash in
\`txid\`.

\`\`\`sh payment
curl "${api}/payment/$PAYMENT_ID" -H "auth: $TOKEN"
\`\`\`

| \`status\` | Means |
|---|---|
| \`started\` | Waits for the money. |
| \`pending_bank\` | The customer says that the transfer was sent, or the bank is working on it. |
| \`payment_received\` | The money is here; the coins are on their way. |
| \`coins_sent\` | Done; \`txid\` is there. |
| \`in_review\` | A person looks at it: the amount, the payer, or money that came late. |
| \`expired\`, \`cancelled\`, \`payment_rejected\`, \`refunded\` | Ended without coins. |
`
}

/** What holds for every call. */
export const CONVENTIONS = `
### Calls

Every call but \`authenticate\` carries the header \`auth: <token>\`, without \`Bearer\`. Bodies are JSON or forms
(\`application/x-www-form-urlencoded\`), in UTF-8; unknown fields are ignored.

### Answers

Success is \`{"status":"ok","data":…}\`; a few calls have another \`status\` and a \`message\`, as shown with them. A refusal
answers HTTP 200 too:

\`\`\`json A refusal
{"status":"error","error":"min_purchase","message":"The minimum is 20.00 EUR."}
\`\`\`

Branch on \`error\`; \`message\` is for people. With the request header \`Prefer: http-status\` (RFC 7240) the same body comes
with the true status, and the answer says \`Preference-Applied: http-status\`. See [the table of errors](#errors).

### Fields

A missing mandatory field is \`fail_mandatory_field\`, a wrong one \`invalid_field\`; \`errors\` names every faulty field at
once:

\`\`\`json Faulty fields
{"status":"error","error":"invalid_field","message":"…","errors":{"amount":["must have at most 2 decimals in EUR"]}}
\`\`\`

### Money

Amounts come in as JSON numbers or decimal text in major units, judged by the digits as sent: more decimals than the
currency has, exponents and signs are refused, never rounded. They go out as decimal text; the documented exceptions
(\`fiat_amount\` in cents, \`tokens\` and \`coin_amount\` as numbers) have an exact field beside them. Calculate with that.

### Times

ISO 8601 in UTC: \`2026-06-26T10:30:00.000000Z\`.
`

export const IDEMPOTENCY = `
Send \`Idempotency-Key\` (at most 255 characters, such as a UUID) with a POST, and repeat the call with the same key when
no answer arrived. The same key with an equal body gets the first answer byte for byte for 24 hours, with the header
\`Idempotent-Replayed: true\`; another body is \`idempotency_key_reused\`; while the first call still runs,
\`request_in_progress\` with \`Retry-After\`. Refusals are not remembered: mend the call and send it again.
`

export const LISTS = `
Lists take \`page\` (from 1) and \`per_page\` (25, at most 100), or \`cursor\` to go through everything. Beside \`data\` stands
\`pagination\`; send its \`next_cursor\` to go on, until it is null.

\`\`\`json pagination
{"current_page":1,"per_page":25,"total":431,"total_is_exact":true,"last_page":18,"next_cursor":"…"}
\`\`\`
`

export const RATES = `
Each answer tells in \`RateLimit\` how many calls are left in this minute. Beyond it is 429 \`too_many_requests\` with
\`Retry-After\`. Every answer has an \`X-Request-Id\`; name it when you ask us about a call.
`
