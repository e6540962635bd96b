import { TEST_CARDS } from '../../providers/card/simulated/card-rules.ts'
import { FAULTS_OF } from '../../sandbox/faults.ts'
import { CARD_TEXTS, MAGIC_VALUES } from '../../sandbox/overview.ts'
import { CARD_OUTCOMES } from '../../sandbox/pay-card.ts'
import { OPEN_BANKING_OUTCOMES } from '../../sandbox/pay-open-banking.ts'
import { TRANSFER_OUTCOMES } from '../../sandbox/pay-transfer.ts'
import { SANDBOX_INTEGRATIONS } from '../../sandbox/seed.ts'
import { type DocsOptions, type Page, sectionsOf } from './content.ts'

/** How to live through everything without real money. */
export function sandboxPage({ publicUrl }: DocsOptions): Page {
  return {
    path: '/docs/sandbox',
    name: 'Sandbox',
    title: 'Sandbox Environment Instructions',
    lead: 'The same program with the outside world simulated. Coins move on local chains that you can look at, and no money is real. Paste from top to bottom: the calls build on each other.',
    sections: sectionsOf(
      [begin(publicUrl), verification(publicUrl), paying(publicUrl), world(publicUrl)].join('\n'),
    ),
  }
}

const JSON_BODY = `-H "auth: $TOKEN" -H 'content-type: application/json'`

/** Code that keeps one field of an answer in a shell variable, and shows the answer. */
const keep = (variable: string, field: string): string =>
  `; echo "$ANSWER"\n${variable}=$(echo "$ANSWER" | grep -o '"${field}":"\\{0,1\\}[^",}]*' | head -1 | sed 's/.*[:"]//')`

function begin(url: string): string {
  const pairs = SANDBOX_INTEGRATIONS.map(({ apiKey, apiSecret }) => `| \`${apiKey}\` | \`${apiSecret}\` |`)
  return `
## Base URL and credentials

The base URL is \`${url}/api\`. Two integrations are there from the beginning; the second is there to try that one never
sees the other’s customers.

| \`api_key\` | \`api_secret\` |
|---|---|
${pairs.join('\n')}

\`\`\`sh A token
ANSWER=$(curl -s "${url}/api/authenticate" -H 'content-type: application/json' \\
  -d '{"api_key":"sandbox-key","api_secret":"sandbox-secret"}')${keep('TOKEN', 'token')}
\`\`\`

\`\`\`sh What can be simulated, your bank accounts, the clock, the chains
curl -s "${url}/api/sandbox" -H "auth: $TOKEN"
\`\`\`
`
}

/** Where magic values stand that make payouts go wrong. */
const PAYEES: ReadonlySet<string> = new Set(['iban of a sale', "payee's name"])

function verification(url: string): string {
  const tags = MAGIC_VALUES.filter(({ where }) => where === 'email')
  const payees = MAGIC_VALUES.filter(({ where }) => PAYEES.has(where))
  const others = MAGIC_VALUES.filter(({ where }) => where !== 'email' && !PAYEES.has(where))
  return `
## Verification

Register a customer and open \`kyc_form_url\`: any data and any clear pictures will do, and soon after the form is sent the
customer is \`valid\`. A tag in the e-mail address makes it end otherwise:

| E-mail address | What happens |
|---|---|
${tags.map(({ value, does }) => `| \`${value}\` | ${does} |`).join('\n')}

\`\`\`sh A customer
ANSWER=$(curl -s "${url}/api/registerUser" ${JSON_BODY} \\
  -d '{"name":"Ana","last_name":"García López","email":"ana'$RANDOM$RANDOM'@example.com","country":"ES"}')${keep('USER_ID', 'id')}
\`\`\`

Or decide without the form. \`outcome\` is \`valid\`, \`fail\`, \`mend\` (back to the customer, with \`reasons\`) or \`review\`; see
[sandbox/kyc](#decideSandboxKyc).

\`\`\`sh Back to the customer, then valid
curl -s "${url}/api/sandbox/kyc" ${JSON_BODY} \\
  -d '{"user_id":'$USER_ID',"outcome":"mend","reasons":[{"field":"document_front","code":"blurred"}]}'; echo
curl -s "${url}/api/sandbox/kyc" ${JSON_BODY} \\
  -d '{"user_id":'$USER_ID',"outcome":"valid"}'
\`\`\`

### Enhanced verification

It raises the limits of a customer who is valid. Three bank transfers of 5,000 EUR reach them: the next payment is
\`kyc_reinforced_required\`. Open \`onboarding_link\` and fill in the form, or decide without it; \`kyc_level\` is
\`reinforced\` afterwards.

\`\`\`sh A link to the form
curl -s "${url}/api/onboarding-form" ${JSON_BODY} -d '{"user_id":'$USER_ID'}'
\`\`\`

\`\`\`sh Enhanced verification, accepted
curl -s "${url}/api/sandbox/kyc" ${JSON_BODY} \\
  -d '{"user_id":'$USER_ID',"kind":"reinforced","outcome":"valid"}'
\`\`\`

### A company

Open \`kyb_link\`, give the \`password\` and fill in the form; each step offers test data and sample documents. Or decide
without the form, as for a person.

\`\`\`sh A company, verified
ANSWER=$(curl -s "${url}/api/register/company" ${JSON_BODY} \\
  -d '{"company_name":"Remesas Sol S.L.","email":"finance'$RANDOM$RANDOM'@example.com"}')${keep('COMPANY_ID', 'id')}
curl -s "${url}/api/sandbox/kyc" ${JSON_BODY} -d '{"user_id":'$COMPANY_ID',"outcome":"valid"}'
\`\`\`

## Magic values

| Value | Where | What happens |
|---|---|---|
${others.map(({ value, where, does }) => `| \`${value}\` | ${where} | ${does} |`).join('\n')}

### Payouts that go wrong

The bank books the payout of a sale some seconds after it was ordered. With these IBANs it does something else, and with a
customer whose last name is one of these, for accounts in Latin America as well. Where the bank gives a reason, it is the
ISO 20022 code that a real one gives. The sale is then \`in_review\`: the operator pays it again to another account, or the
coins go back. Payouts leave accounts of the platform that the sandbox has put money on: your own in euros, one for all in CLP,
MXN, COP, PEN and ARS.

| IBAN, or end of the name | What happens |
|---|---|
${payees.map(({ value, does }) => `| \`${value}\` | ${does} |`).join('\n')}
`
}

function paying(url: string): string {
  const grouped = (number: string): string => number.replace(/(\d{4})(?=\d)/g, '$1 ')
  const cards = TEST_CARDS.map(({ number, does }) => `| \`${grouped(number)}\` | ${CARD_TEXTS[does]} |`)
  const words = (outcomes: readonly string[]): string => outcomes.map((word) => `\`${word}\``).join(', ')
  const create = (body: string): string =>
    `ANSWER=$(curl -s "${url}/api/createPayment" ${JSON_BODY} \\\n  -d '{"user_id":'$USER_ID',${body}}')${keep('PAYMENT_ID', 'payment_id')}`
  const coin =
    '"coin_symbol":"USDC","coin_chain":"polygon","wallet":"0x52908400098527886E0F7030069857D2E4169EE7"'
  return `
## Test cards

Any expiry in the future and any code will do.

| Number | What happens |
|---|---|
${cards.join('\n')}

## Paying

Each method has a page on which the customer pays, with a simulated provider behind it: open \`url_payment\` (or
\`gateway_url\` of a guided payment) and pay by hand, or let [sandbox/payments/…/pay](#paySandboxPayment) do what the
customer would. The money then takes the way it always takes.

### By card

\`outcome\`: ${words(CARD_OUTCOMES)}.

\`\`\`sh By card, paid
${create(`"payment_type":"card","fiat_symbol":"EUR","fiat_amount":"50.00",${coin}`)}
curl -s "${url}/api/sandbox/payments/$PAYMENT_ID/pay" ${JSON_BODY} -d '{"outcome":"paid"}'
\`\`\`

### By open banking

\`outcome\`: ${words(OPEN_BANKING_OUTCOMES)}. The money arrives some seconds after \`paid\`.

\`\`\`sh By open banking, paid
${create(`"payment_type":"psd2","fiat_symbol":"EUR","fiat_amount":"60.00",${coin}`)}
curl -s "${url}/api/sandbox/payments/$PAYMENT_ID/pay" ${JSON_BODY} -d '{"outcome":"paid"}'
\`\`\`

### By bank transfer

The answer holds the account and the \`concept\` that the payer writes. \`outcome\`: ${words(TRANSFER_OUTCOMES)}.

\`\`\`sh By bank transfer, the exact amount
${create(`"fiat_symbol":"EUR","fiat_amount":"70.00",${coin}`)}
curl -s "${url}/api/sandbox/payments/$PAYMENT_ID/pay" ${JSON_BODY} -d '{"outcome":"exact"}'
\`\`\`

Any other transfer reaches your account like this: of any amount, with any concept, from anybody.

\`\`\`sh A transfer by hand
ANSWER=$(curl -s "${url}/api/createPayment" ${JSON_BODY} \\
  -d '{"user_id":'$USER_ID',"fiat_symbol":"EUR","fiat_amount":"80.00",${coin}}')${keep('IBAN', 'iban')}
CONCEPT=$(echo "$ANSWER" | grep -o '"concept":[0-9]*' | cut -d: -f2)
curl -s "${url}/api/sandbox/bank/transfer" ${JSON_BODY} \\
  -d '{"iban":"'$IBAN'","amount":"80.00","concept":"'$CONCEPT'","name":"Ana García López"}'
\`\`\`

### By PayPal

\`\`\`sh By PayPal, paid
${create(`"payment_type":"paypal","fiat_symbol":"EUR","fiat_amount":"90.00",${coin}`)}
curl -s "${url}/api/sandbox/payments/$PAYMENT_ID/pay" ${JSON_BODY} -d '{"outcome":"paid"}'
\`\`\`

### By a local method

In Latin America customers pay in their own currency: \`KHIPU\` (CLP, ARS), \`SPEI\` (MXN), \`PSE\` (COP), \`PAGOEFECTIVO\` (PEN),
\`CVU\` (ARS). \`coin_chain\` may be left out.

\`\`\`sh By SPEI, paid
${create('"payment_type":"SPEI","fiat_symbol":"MXN","fiat_amount":"2000.00","coin_symbol":"USDC","wallet":"0x52908400098527886E0F7030069857D2E4169EE7"')}
curl -s "${url}/api/sandbox/payments/$PAYMENT_ID/pay" ${JSON_BODY} -d '{"outcome":"paid"}'
\`\`\`

\`\`\`sh A few seconds later: the coins are in the wallet
sleep 4; curl -s "${url}/api/payment/$PAYMENT_ID" -H "auth: $TOKEN"
\`\`\`
`
}

function world(url: string): string {
  const faults = Object.entries(FAULTS_OF).map(
    ([provider, kinds]) => `| \`${provider}\` | ${kinds.map((kind) => `\`${kind}\``).join(', ')} |`,
  )
  return `
## The local chains

Each chain is a real EVM node. \`rpc_url\` takes JSON-RPC: it reads the chain and takes signed transactions, so your own
tools can look for themselves. The addresses of the tokens stand in [the overview](#sandboxOverview). The node answers in
hexadecimal, and a balance in the token’s smallest unit: USDC has six decimals.

\`\`\`sh The last block, and what the wallet holds
curl -s "${url}/sandbox/rpc/polygon" -H 'content-type: application/json' \\
  -d '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}'; echo
USDC=$(curl -s "${url}/api/sandbox" -H "auth: $TOKEN" | grep -o '"chain":"polygon".*' | grep -o '"USDC":"0x[0-9a-fA-F]*' | head -1 | cut -d'"' -f4)
curl -s "${url}/sandbox/rpc/polygon" -H 'content-type: application/json' \\
  -d '{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{"to":"'$USDC'","data":"0x70a0823100000000000000000000000052908400098527886E0F7030069857D2E4169EE7"},"latest"]}'
\`\`\`

## Time

The platform’s clock goes forward when you ask, never back. Quotes and payments expire, webhooks are tried again and
transactions are confirmed on the way; the call answers when nothing is left to do. The clock is the whole platform’s, and
tokens age with it: get a new one afterwards.

\`\`\`sh A week later
curl -s "${url}/api/sandbox/clock" ${JSON_BODY} -d '{"advance":"7d"}'; echo
ANSWER=$(curl -s "${url}/api/authenticate" -H 'content-type: application/json' \\
  -d '{"api_key":"sandbox-key","api_secret":"sandbox-secret"}')${keep('TOKEN', 'token')}
\`\`\`

## What can go wrong

Let a provider fail, hang, lose its news, tell them twice or late: the next \`count\` occasions go wrong. [faults](#orderFaults) says what each
kind does.

| \`provider\` | \`kind\` |
|---|---|
${faults.join('\n')}

\`\`\`sh No fresh price for some seconds: quotes answer price_unavailable
curl -s "${url}/api/sandbox/faults" ${JSON_BODY} -d '{"provider":"price","kind":"stale","count":5}'
\`\`\`

\`\`\`sh Take it back
curl -s "${url}/api/sandbox/faults" ${JSON_BODY} -d '{"provider":"price","kind":"stale","count":0}'
\`\`\`

## Webhooks on your own machine

The sandbox delivers to loopback addresses over http: subscribe \`http://127.0.0.1:<port>/…\` and no tunnel is needed. See
[webhooks](#deliveries). Files of customers that are given by an address are fetched from public addresses alone, here too;
whoever runs a sandbox of their own can set \`FILES_FROM_LOOPBACK=true\`.

## A new beginning

Reset gives your integration a new beginning: no customers, no payments, no subscriptions, every e-mail address and
\`external_id\` free again. Ledger, wallets and clock stay.

\`\`\`sh Reset
curl -s "${url}/api/sandbox/reset" ${JSON_BODY} -d '{}'
\`\`\`
`
}
