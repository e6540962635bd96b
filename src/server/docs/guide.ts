import { type DocsOptions, type Page, sectionsOf } from './content.ts'
import { bankTransfers } from './guide-bank.ts'

/** From nothing to coins in the customer's wallet. */
export function guidePage({ publicUrl, sandbox }: DocsOptions): Page {
  const api = `${publicUrl}/api`
  return {
    path: '/docs',
    name: 'Guide',
    title: 'Buy-Flow guide',
    lead: 'Let your customers buy crypto with euros. You register them and create a payment; our pages verify them and take the money; the coins go to their wallet. Seven steps, each a call that you can paste. At the end the way back: customers sell crypto for euros.',
    sections: sectionsOf([buyFlow(api, sandbox), bankTransfers(api), sellFlow(api, sandbox)].join('\n')),
  }
}

function buyFlow(api: string, sandbox: boolean): string {
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
  const verifyCompany = sandbox
    ? `

The sandbox decides at once here, too, and the company buys:

\`\`\`sh Sandbox: a company buys
curl "${api}/sandbox/kyc" -H "auth: $TOKEN" -H 'content-type: application/json' \\
  -d '{"user_id":'$COMPANY_ID',"outcome":"valid"}'
curl "${api}/createGuidedPayment" -H "auth: $TOKEN" -H 'content-type: application/json' \\
  -d '{"user_id":'$COMPANY_ID',"coin_symbol":"USDC","coin_chain":"polygon","fiat_amount":"500","wallet":"0x52908400098527886E0F7030069857D2E4169EE7"}'
\`\`\``
    : ''
  // The simulated world needs a moment between the payment and the coins.
  const wait = sandbox ? 'sleep 4; ' : ''
  return `
## 1. Get a token

The base address is \`${api}\`. A token is valid for 24 hours and goes into the header \`auth\` of every other call, as it is.

\`\`\`sh authenticate
TOKEN=$(curl -s "${api}/authenticate" -H 'content-type: application/json' \\
  -d '${pair}' \\
  | grep -o '"token":"[^"]*' | cut -d'"' -f4); echo "$TOKEN"
\`\`\`

## 2. Ask what an amount buys

The fees are inside the amount. The quote’s \`quote_id\` holds its price for 60 seconds and can be used once; leave it out
to get the price of the moment.

\`\`\`sh quote
curl "${api}/quote?amount=150.50&symbol=USDC&chain=polygon&payment_type=card" -H "auth: $TOKEN"
\`\`\`

## 3. Register the customer

\`\`\`sh registerUser
USER_ID=$(curl -s "${api}/registerUser" -H "auth: $TOKEN" -H 'content-type: application/json' \\
  -d '{"name":"Lucía","last_name":"Fernández","email":"lucia'$RANDOM'@example.com","country":"ES"}' \\
  | grep -o '"id":[0-9]*' | cut -d: -f2); echo "$USER_ID"
\`\`\`

## 4. The customer verifies

Send the customer to \`kyc_form_url\` of that answer. You hear of the end by the webhook \`KYC_VALID\` or \`KYC_FAIL\`,
or ask [kyc/check](#checkKyc).${verify}

## 5. Create the payment

\`\`\`sh createGuidedPayment
PAYMENT_ID=$(curl -s "${api}/createGuidedPayment" -H "auth: $TOKEN" -H 'content-type: application/json' \\
  -d '{"user_id":'$USER_ID',"coin_symbol":"USDC","coin_chain":"polygon","fiat_amount":"150.50","wallet":"0x52908400098527886E0F7030069857D2E4169EE7"}' \\
  | grep -o '"payment_id":"[^"]*' | cut -d'"' -f4); echo "$PAYMENT_ID"
\`\`\`

Your own id in \`external_id\` makes the call safe to repeat: the same \`external_id\` with the same body answers the
payment that exists already.

## 6. The customer pays

Send the customer to \`gateway_url\`. There the customer sees amount, coins and fees, chooses how to pay, gives the wallet
unless you did, and pays.${pay}

## 7. The coins arrive

The webhook \`PAY_IN\` tells that the money came, \`COINS_SENT\` that the coins are final on the chain, with the
transaction’s hash in \`txid\`: see [webhooks](#deliveries). You can also ask:

\`\`\`sh payment
${wait}curl "${api}/payment/$PAYMENT_ID" -H "auth: $TOKEN"
\`\`\`

| \`status\` | Means |
|---|---|
| \`started\` | Waits for the money. |
| \`pending_bank\` | The customer says that the transfer was sent, or the bank is working on it. |
| \`payment_received\` | The money is here; the coins are on their way. |
| \`coins_sent\` | Done; \`txid\` is there. |
| \`in_review\` | A person looks at it: the amount, the payer, or money that came late. |
| \`expired\`, \`cancelled\`, \`payment_rejected\`, \`refunded\` | Ended without coins. |

## When a customer may not buy yet

Creating a payment is then refused, and the answer says how to go on:

| \`error\` | What to do |
|---|---|
| \`require_kyc\` | Send the customer to \`kyc_form_url\` in \`data\`, and create the payment again after \`KYC_VALID\`. |
| \`kyc_reinforced_required\` | The amount is over the limits of a first verification. Send the customer to \`onboarding_link\` in \`data\`, the enhanced verification; create the payment again when [kyc/check](#checkKyc) says \`"kyc_level":"reinforced"\`. |
| \`limit_exceded\` | The amount is over the customer’s card limit of this quarter. Offer another method; where \`data\` has an \`onboarding_link\`, the enhanced verification raises the limit. |

Every other refusal, and what to do about it, is in [errors](#error-codes).

## Companies buy too

A company is registered by its own call, which needs its name and an e-mail address:

\`\`\`sh register/company
COMPANY=$(curl -s "${api}/register/company" -H "auth: $TOKEN" -H 'content-type: application/json' \\
  -d '{"company_name":"Remesas Sol S.L.","email":"finance'$RANDOM'@example.com"}'); echo "$COMPANY"
COMPANY_ID=$(echo "$COMPANY" | grep -o '"id":[0-9]*' | cut -d: -f2)
\`\`\`

Give \`kyb_link\` and \`password\` of the answer to the company, each by another way. The page opens with the password alone: there
the company hands in its data, its documents, and the people who represent it or own more than a quarter of it, declares that
all is true, and sees how it is decided. It can go on later or on another device. The password is shown this once, and the link
ends after 90 days.

You hear of the end as with people: by the webhooks \`KYC_PROCESSING\`, \`KYC_VALID\` and \`KYC_FAIL\`, whose \`user_id\` is the \`id\` of
that answer, or by [kyc/check](#checkKyc). Where something must be mended, the status stays \`processing\` with \`reasons\`: send the
company to the same link again.${verifyCompany}

| Then | Do |
|---|---|
| \`valid\` | Create payments as above: the \`id\` is a \`user_id\` like any other. |
| \`fail\` | [kyc/retry](#retryKyc) answers the link of a new form, \`kyc_form_url\`, and its \`password\`. |
| The password was lost | [kyc/retry](#retryKyc) with \`"new_password":true\`: the old one ends. |
| The link has ended | [kyc/retry](#retryKyc): a new form, as after \`fail\`. |

Who has the right to verify customers by delegation sends the company and its legal representative with
[registerUser/kyc-delegated](#registerUserKycDelegated); there is no page then, unless it fails.
`
}

/** From coins in the customer's wallet to money in the customer's account. */
function sellFlow(api: string, sandbox: boolean): string {
  const deposit = sandbox
    ? `

In the sandbox somebody sends them at once, by a real transaction on the local chain:

\`\`\`sh Sandbox: the coins are sent
curl "${api}/sandbox/chain/deposit" -H "auth: $TOKEN" -H 'content-type: application/json' \\
  -d '{"rampoff_id":"'$RAMPOFF_ID'"}'
\`\`\``
    : ''
  const funds = sandbox
    ? `

Payouts leave your own account. A new sandbox has 10,000,000.00 EUR on it; when there is not enough, they wait. Add to it by:

\`\`\`sh Sandbox: money on your account
IBAN=$(curl -s "${api}/sandbox" -H "auth: $TOKEN" | grep -o '"iban":"[^"]*' | head -n 1 | cut -d'"' -f4)
curl "${api}/sandbox/bank/transfer" -H "auth: $TOKEN" -H 'content-type: application/json' \\
  -d '{"iban":"'$IBAN'","amount":"1000.00","concept":"working capital","name":"Remittances"}'
\`\`\``
    : ''
  return `
## Sell

A verified customer sells coins and is paid by bank transfer. Ask first what the coins bring; \`fiat_amount\` is what the
customer gets, the fees are taken off already:

\`\`\`sh rampoff/quote
curl "${api}/rampoff/quote?amount=100&symbol=USDC&blockchain=polygon" -H "auth: $TOKEN"
\`\`\`

Create the sale with the customer’s IBAN. The answer’s \`wallet\` is an address of this sale alone; show it with the amount,
the coin and the chain. In Latin America leave \`iban\` and \`blockchain\` out: the money goes to the account given at
registration, in the currency of the country. To \`refund_wallet\` go coins that can’t be sold, such as another coin.

\`\`\`sh createRampoff
RAMPOFF_ID=$(curl -s "${api}/createRampoff" -H "auth: $TOKEN" -H 'content-type: application/json' \\
  -d '{"user_id":'$USER_ID',"amount":"100","symbol":"USDC","blockchain":"polygon","iban":"ES9121000418450200051332","refund_wallet":"0x52908400098527886E0F7030069857D2E4169EE7"}' \\
  | grep -o '"id":"[^"]*' | cut -d'"' -f4); echo "$RAMPOFF_ID"
\`\`\`

The customer sends the coins within 24 hours.${deposit}${funds}

\`CRYPTO_RECEIVED\` tells once that they are final on the chain, of several parts with the first, \`TRANSFER_RAMPOFF_FINISHED\` that the bank has sent the money.

\`\`\`sh getRampoff
curl "${api}/getRampoff?id=$RAMPOFF_ID" -H "auth: $TOKEN"
\`\`\`

| \`status\` | Means |
|---|---|
| \`started\` | Waits for the coins. |
| \`crypto_received\` | The coins are here, and are being sold. |
| \`processing\` | Sold, and the transfer is ordered; \`fiat_amount\` is exact. |
| \`finished\` | The bank has sent the money. |
| \`in_review\` | A person looks at it: too few coins, too many, late, from a blocked address, or a transfer that came back. |
| \`expired\`, \`refunded\`, \`failed\` | Ended without money. |
${
  sandbox
    ? `
The whole sale as a program to read, with a wallet that sends real coins to the local chain’s \`rpc_url\`: \`npm run demo -- sell\`,
in \`examples/remittance\`.
`
    : ''
}`
}
