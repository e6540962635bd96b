import { formatUnits, parseUnits } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import {
  authenticate,
  checkSignatures,
  findPolygon,
  registerCustomer,
  type Scene,
  subscribe,
} from './begin.ts'
import { openBrowser, payByCard } from './customer.ts'
import { paint, shorten, showSuccess, step } from './show.ts'

/** From nothing to coins in the customer's wallet. */
export async function buy(scene: Scene, amount: string): Promise<void> {
  const { url, company, receiver } = scene
  const wallet = privateKeyToAddress(generatePrivateKey())
  await authenticate(scene)
  const polygon = await findPolygon(scene)
  const before = await polygon.balanceOf(wallet)
  await subscribe(scene, ['KYC_VALID', 'PAY_IN', 'COINS_SENT'])
  const quote = await step(
    'Quote',
    `GET /api/quote?amount=${amount}&symbol=USDC&chain=polygon&payment_type=card`,
    () =>
      company.call<{
        tokens_exact: string
        price: string
        fee: string
        network_fee: string
        quote_id: string
      }>('GET', '/api/quote', { amount, symbol: 'USDC', chain: 'polygon', payment_type: 'card' }),
    (data) =>
      `${amount} EUR buy ${paint('bold', `${data.tokens_exact} USDC`)} at ${data.price}, fee ${data.fee}, network ${data.network_fee}`,
  )
  const customer = await registerCustomer(scene)
  const payment = await step(
    'Create the guided payment',
    'POST /api/createGuidedPayment',
    () =>
      company.call<{ payment_id: string; gateway_url: string }>('POST', '/api/createGuidedPayment', {
        user_id: customer,
        coin_symbol: 'USDC',
        coin_chain: 'polygon',
        fiat_amount: amount,
        payment_type: 'card',
        external_id: `demo-${customer}`,
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
  const after = await polygon.balanceOf(wallet)
  console.log(
    `\n${paint('bold', 'On the chain')}\n   wallet ${wallet}\n   before ${formatUnits(before, 6)} USDC\n   after  ${paint('bold', `${formatUnits(after, 6)} USDC`)}`,
  )
  checkSignatures(scene)
  if (after - before !== parseUnits(sent.coin_amount_exact, 6)) {
    throw new Error(
      `The wallet got ${formatUnits(after - before, 6)} USDC, but the payment says ${sent.coin_amount_exact}.`,
    )
  }
  showSuccess('The wallet got exactly what the payment says')
}
