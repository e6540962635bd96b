import { parseArgs, styleText } from 'node:util'
import { createPublicClient, erc20Abi, formatUnits, http } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { createCompany } from './company.ts'
import { fillVerification, openBrowser, payByCard } from './customer.ts'
import { findOrStartServer } from './own-server.ts'
import { type Received, startReceiver } from './receiver.ts'

const HELP = `npm run demo -- [options]

Plays a remittance company that follows the Buy-Flow guide: each call, its answer and time, the webhooks with their
signatures checked, and the coins in the wallet on the chain, before and after. Uses the server that runs under --url,
or starts one of its own for the time of the demo.

  --url <url>         the server (default: PUBLIC_URL, or http://127.0.0.1:8080)
  --api-key <key>     default: sandbox-key
  --api-secret <s>    default: sandbox-secret
  --amount <euros>    default: 150.50
  --help
`

const { values } = parseArgs({
  options: {
    url: {
      type: 'string',
      default: process.env.PUBLIC_URL ?? `http://127.0.0.1:${process.env.PORT ?? 8080}`,
    },
    'api-key': { type: 'string', default: 'sandbox-key' },
    'api-secret': { type: 'string', default: 'sandbox-secret' },
    amount: { type: 'string', default: '150.50' },
    help: { type: 'boolean', default: false },
  },
})

const began = performance.now()
let number = 0

const paint = (style: Parameters<typeof styleText>[0], text: string): string => styleText(style, text)

/** Runs one step of the guide and shows what was asked, what came back, and how long it took. */
async function step<T>(
  title: string,
  call: string,
  work: () => Promise<T>,
  show: (result: T) => string,
): Promise<T> {
  number += 1
  console.log(`\n${paint('bold', `${number}. ${title}`)}\n   ${paint('cyan', call)}`)
  const at = performance.now()
  const result = await work()
  console.log(
    `   ${paint('green', '✓')} ${show(result)} ${paint('dim', `${Math.round(performance.now() - at)} ms`)}`,
  )
  return result
}

function showWebhook(event: Received): void {
  const valid = event.signatureIsValid ? paint('green', 'signature valid') : paint('red', 'SIGNATURE WRONG')
  console.log(
    `   ${paint('magenta', '⇠ webhook')} ${paint('bold', event.type)} ${event.id} no. ${event.sequence}, ${valid}`,
  )
}

async function demo(): Promise<void> {
  const server = await findOrStartServer(values.url)
  console.log(
    `${paint('bold', 'CryptoPocket: the buy flow')}\n${server.kind === 'own' ? 'An own server was started under' : 'Against the server under'} ${server.url}`,
  )
  const receiver = await startReceiver(values['api-secret'], showWebhook)
  try {
    await buy(server.url, receiver)
  } finally {
    await receiver.stop()
    await server.stop()
  }
}

async function buy(url: string, receiver: Awaited<ReturnType<typeof startReceiver>>): Promise<void> {
  const company = createCompany(url, values['api-key'], values['api-secret'])
  const wallet = privateKeyToAddress(generatePrivateKey())

  await step(
    'Authenticate',
    'POST /api/authenticate',
    () => company.authenticate(),
    () => 'a token for 24 hours',
  )
  const balance = await watchBalance(company, wallet)
  const before = await balance()

  await step(
    'Subscribe to webhooks',
    'POST /api/subscribeToWebhook',
    () => subscribe(company, receiver.url),
    (types) => types.join(', '),
  )
  const quote = await step(
    'Quote',
    `GET /api/quote?amount=${values.amount}&symbol=USDC&chain=polygon&payment_type=card`,
    () =>
      company.call<{
        tokens_exact: string
        price: string
        fee: string
        network_fee: string
        quote_id: string
      }>('GET', '/api/quote', {
        amount: values.amount,
        symbol: 'USDC',
        chain: 'polygon',
        payment_type: 'card',
      }),
    (data) =>
      `${values.amount} EUR buy ${paint('bold', `${data.tokens_exact} USDC`)} at ${data.price}, fee ${data.fee}, network ${data.network_fee}`,
  )
  const customer = await step(
    'Register the customer',
    'POST /api/registerUser',
    () =>
      company.call<{ id: number; kyc_form_url: string }>('POST', '/api/registerUser', {
        name: 'Lucía',
        last_name: 'Fernández Ruiz',
        email: `lucia.${Date.now()}@example.com`,
        country: 'ES',
      }),
    (data) => `customer ${data.id}, form ${shorten(data.kyc_form_url)}`,
  )
  await step(
    'The customer verifies on our page',
    shorten(customer.kyc_form_url),
    async () => {
      await fillVerification(openBrowser(url), customer.kyc_form_url)
      await receiver.waitFor('KYC_VALID', (event) => Number(event.data.user_id) === customer.id)
      return company.call<{ kyc_status: string; kyc_level: string }>('GET', '/api/kyc/check', {
        user_id: customer.id,
      })
    },
    (data) => `kyc_status ${paint('bold', data.kyc_status)}, level ${data.kyc_level}`,
  )
  const payment = await step(
    'Create the guided payment',
    'POST /api/createGuidedPayment',
    () =>
      company.call<{ payment_id: string; gateway_url: string }>('POST', '/api/createGuidedPayment', {
        user_id: customer.id,
        coin_symbol: 'USDC',
        coin_chain: 'polygon',
        fiat_amount: values.amount,
        payment_type: 'card',
        external_id: `demo-${customer.id}`,
        quote_id: quote.quote_id,
      }),
    (data) => `payment ${data.payment_id}`,
  )
  await step(
    'The customer pays by card on our page',
    shorten(payment.gateway_url),
    async () => {
      await payByCard(openBrowser(url), payment.payment_id, wallet, '4242 4242 4242 4242')
      await receiver.waitFor('PAY_IN', (event) => event.data.id === payment.payment_id)
    },
    () => 'paid with 4242 4242 4242 4242',
  )
  const sent = await step(
    'Coins arrive in the wallet',
    `GET /api/payment/${payment.payment_id}`,
    async () => {
      await receiver.waitFor('COINS_SENT', (event) => event.data.id === payment.payment_id)
      return company.call<{ status: string; txid: string; coin_amount_exact: string }>(
        'GET',
        `/api/payment/${payment.payment_id}`,
      )
    },
    (data) => `status ${paint('bold', data.status)}, transaction ${data.txid}`,
  )
  const after = await balance()
  console.log(
    `\n${paint('bold', 'On the chain')}\n   wallet ${wallet}\n   before ${formatUnits(before, 6)} USDC\n   after  ${paint('bold', `${formatUnits(after, 6)} USDC`)}`,
  )
  const wrong = receiver.received.filter((event) => !event.signatureIsValid)
  if (wrong.length > 0) throw new Error(`${wrong.length} webhooks had a wrong signature.`)
  if (formatUnits(after - before, 6) !== formatUnits(BigInt(sent.coin_amount_exact.replace('.', '')), 6)) {
    throw new Error(
      `The wallet got ${formatUnits(after - before, 6)} USDC, but the payment says ${sent.coin_amount_exact}.`,
    )
  }
  console.log(
    `\n${paint('green', '✓')} The wallet got exactly what the payment says, in ${((performance.now() - began) / 1000).toFixed(1)} s.`,
  )
}

async function subscribe(company: ReturnType<typeof createCompany>, url: string): Promise<string[]> {
  const types = ['KYC_VALID', 'PAY_IN', 'COINS_SENT']
  const known = await company.call<{ type: string; url: string }[]>('GET', '/api/webhooks/subscriptions')
  for (const type of types) {
    // An earlier run left its subscriptions behind: the receiver's port is another one each time.
    const path = known.some((subscription) => subscription.type === type)
      ? '/api/updateWebhookSubscription'
      : '/api/subscribeToWebhook'
    await company.call('POST', path, { type, url })
  }
  return types
}

/** Reads the wallet's balance at the local chain itself, not from us. */
async function watchBalance(
  company: ReturnType<typeof createCompany>,
  wallet: `0x${string}`,
): Promise<() => Promise<bigint>> {
  const sandbox = await company.call<{
    chains: { chain: string; rpc_url: string; tokens: Record<string, `0x${string}`> }[]
  }>('GET', '/api/sandbox')
  const polygon = sandbox.chains.find(({ chain }) => chain === 'polygon')
  const token = polygon?.tokens.USDC
  if (!polygon || !token) throw new Error('The sandbox names no USDC on polygon.')
  const client = createPublicClient({ transport: http(polygon.rpc_url) })
  return () =>
    client.readContract({ address: token, abi: erc20Abi, functionName: 'balanceOf', args: [wallet] })
}

const shorten = (text: string): string => (text.length > 80 ? `${text.slice(0, 77)}…` : text)

if (values.help) console.log(HELP)
else {
  try {
    await demo()
  } catch (error) {
    console.error(`\n${paint('red', '✗')} ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  }
}
