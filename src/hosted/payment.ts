import { Type } from 'typebox'
import type { App } from '../app.ts'
import { wireTime } from '../kernel/clock.ts'
import { findPaymentById } from '../onramp/payment-store.ts'
import { judgeWallet } from '../onramp/wallet-checks.ts'
import { type ApiRequest, endpoint } from '../server/endpoint.ts'
import { Text } from '../server/fields.ts'
import { openByToken } from './gateway-owner.ts'
import { untilChanged } from './page-news.ts'
import { acceptPrice, cancelByCustomer, pay, saySent, setWallet } from './payment-actions.ts'
import { PAYMENT_VIEW_EXAMPLE } from './payment-example.ts'
import { chooseMethod } from './payment-method.ts'
import { handOver, openPayment } from './payment-open.ts'
import { isOwner } from './payment-owner.ts'
import { getPaymentScene, getPaymentVersion, notFound, paymentNews } from './payment-scene.ts'
import { paymentView } from './payment-view.ts'
import type { Handover, PaymentView, PayResult, WalletCheck } from './wire.ts'

const PATH = '/hosted/payment/{id}'

const shared = {
  section: 'hosted',
  audience: 'page',
  params: Type.Object({ id: Type.String({ maxLength: 64, description: 'The payment_id.' }) }),
} as const

/** The page knows the shape from the types it shares with the server. */
const View = Type.Unsafe<PaymentView>({ type: 'object', description: 'All that the payment page shows.' })

const OWNER_ERRORS = ['payment_not_found', 'not_the_owner', 'action_not_allowed'] as const

async function viewFor(app: App, { cookies }: Pick<ApiRequest, 'cookies'>, id: string): Promise<PaymentView> {
  const scene = await getPaymentScene(app, id)
  return paymentView(app, scene, isOwner({ cookies }, scene.payment) ? 'owner' : 'viewer')
}

export const openPaymentPage = endpoint({
  ...shared,
  method: 'POST',
  path: `${PATH}/open`,
  name: 'openPaymentPage',
  summary: 'Open the payment page',
  description:
    'The first browser gets a cookie and is the owner; the others may look at masked data. With the code of a hand-over link this browser becomes the owner.',
  body: Type.Object({ handover: Type.Optional(Text('The one-time code of a hand-over link.', 128)) }),
  data: View,
  errors: ['payment_not_found', 'handover_expired'],
  examples: { request: {}, answer: PAYMENT_VIEW_EXAMPLE },
  async handle(app, request) {
    const { id } = request.params
    const access = await openPayment(app, request, id, request.body.handover)
    return paymentView(app, await getPaymentScene(app, id), access)
  },
})

export const openGatewayPage = endpoint({
  method: 'POST',
  path: '/hosted/payment/open',
  section: 'hosted',
  audience: 'page',
  name: 'openGatewayPage',
  summary: 'Open the payment page by its gateway',
  description:
    'The token of `/gateway/<method>?token=…` is a secret of its own: whoever has it becomes the owner. The page goes on with the payment_id of the answer.',
  body: Type.Object({ gateway_token: Text('The token of the address.', 128) }),
  data: View,
  errors: ['payment_not_found'],
  examples: {
    request: { gateway_token: '7d8a4c1e-5b0f-4a53-9f0e-2f6b8f0d9c11' },
    answer: PAYMENT_VIEW_EXAMPLE,
  },
  async handle(app, request) {
    const id = await openByToken(app, request, request.body.gateway_token)
    return paymentView(app, await getPaymentScene(app, id), 'owner')
  },
})

export const showPaymentPage = endpoint({
  ...shared,
  method: 'GET',
  path: PATH,
  name: 'showPaymentPage',
  summary: 'What the payment page shows',
  description:
    'With `after` the call waits until the version is another one, at most 25 seconds, and then answers what there is.',
  query: Type.Object({
    after: Type.Optional(Type.String({ maxLength: 128, description: 'The version the page has.' })),
  }),
  data: View,
  errors: ['payment_not_found'],
  examples: { answer: PAYMENT_VIEW_EXAMPLE },
  async handle(app, request) {
    const { id } = request.params
    const { after } = request.query
    if (after !== undefined) {
      const readVersion = () => getPaymentVersion(app, id)
      await untilChanged(app, { key: paymentNews(id), after, signal: request.signal, readVersion })
    }
    return viewFor(app, request, id)
  },
})

export const handOverPayment = endpoint({
  ...shared,
  method: 'POST',
  path: `${PATH}/handover`,
  name: 'handOverPayment',
  summary: 'Go on on another device',
  description: 'A link that works once, within ten minutes; the device that opens it becomes the owner.',
  data: Type.Object({ url: Type.String(), expires_at: Type.String() }),
  errors: OWNER_ERRORS,
  examples: {
    answer: {
      url: 'https://ramp.example.com/payment/Zk3VqT9bX1LmN8sR4pYw2Ac6D#h=Qm9i…',
      expires_at: '2026-06-26T10:40:00.000000Z',
    },
  },
  async handle(app, request): Promise<Handover> {
    const { id } = request.params
    const { code, expiresAt } = await handOver(app, request, id)
    return { url: `${app.config.publicUrl}/payment/${id}#h=${code}`, expires_at: wireTime(expiresAt) }
  },
})

export const choosePaymentMethod = endpoint({
  ...shared,
  method: 'POST',
  path: `${PATH}/method`,
  name: 'choosePaymentMethod',
  summary: 'Choose how to pay',
  description: 'Changes the fees, not the price. A provider’s session that was begun is ended first.',
  body: Type.Object({ payment_type: Text('`card`, `psd2` or `transfer`.', 32) }),
  data: View,
  errors: [
    ...OWNER_ERRORS,
    'user_banned',
    'method_not_allowed',
    'min_purchase',
    'max_purchase',
    'limit_exceded',
    'kyc_reinforced_required',
  ],
  examples: {
    request: { payment_type: 'transfer' },
    answer: { ...PAYMENT_VIEW_EXAMPLE, payment_type: 'transfer' },
  },
  async handle(app, request) {
    const { id } = request.params
    await chooseMethod(app, request, id, request.body.payment_type.toLowerCase())
    return viewFor(app, request, id)
  },
})

export const checkPaymentWallet = endpoint({
  ...shared,
  method: 'POST',
  path: `${PATH}/wallet/check`,
  name: 'checkPaymentWallet',
  summary: 'Check a wallet as it is typed',
  description: 'Form, checksum, whose it is, and the screening lists; nothing is saved.',
  body: Type.Object({ wallet: Type.String({ maxLength: 256 }) }),
  data: Type.Object({
    ok: Type.Boolean(),
    address: Type.Union([Type.String(), Type.Null()]),
    problem: Type.Union([Type.String(), Type.Null()]),
  }),
  errors: ['payment_not_found'],
  examples: {
    request: { wallet: '0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed' },
    answer: { ok: true, address: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed', problem: null },
  },
  async handle(app, { params: { id }, body }): Promise<WalletCheck> {
    const payment = (await findPaymentById(app.db, id)) ?? notFound()
    const { address, problem } = await judgeWallet(app, payment.chain, body.wallet)
    return { ok: problem === null, address, problem }
  },
})

export const setPaymentWallet = endpoint({
  ...shared,
  method: 'POST',
  path: `${PATH}/wallet`,
  name: 'setPaymentWallet',
  summary: 'Say where the coins go',
  description: 'Until a provider’s session or bank instructions are out; then it is frozen.',
  body: Type.Object({
    wallet: Type.String({ maxLength: 256 }),
    confirm: Type.Literal(true, { description: '“I control this wallet.”' }),
  }),
  data: View,
  errors: [...OWNER_ERRORS, 'invalid_wallet', 'wallet_blocked'],
  examples: {
    request: { wallet: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed', confirm: true },
    answer: PAYMENT_VIEW_EXAMPLE,
  },
  async handle(app, request) {
    const { id } = request.params
    await setWallet(app, request, id, request.body.wallet)
    return viewFor(app, request, id)
  },
})

export const acceptPaymentPrice = endpoint({
  ...shared,
  method: 'POST',
  path: `${PATH}/price/accept`,
  name: 'acceptPaymentPrice',
  summary: 'Accept the new price',
  description: 'When the price has run out: the price accepted is the price shown.',
  body: Type.Object({ offer_id: Text('Of the `new_price` that was shown.', 512) }),
  data: View,
  errors: [...OWNER_ERRORS, 'quote_expired', 'min_purchase'],
  examples: { request: { offer_id: 'MXwxfGJ1eXxjYXJk.q83c9kd2p0Wm' }, answer: PAYMENT_VIEW_EXAMPLE },
  async handle(app, request) {
    const { id } = request.params
    await acceptPrice(app, request, id, request.body.offer_id)
    return viewFor(app, request, id)
  },
})

export const payPayment = endpoint({
  ...shared,
  method: 'POST',
  path: `${PATH}/pay`,
  name: 'payPayment',
  summary: 'Go to pay',
  description:
    'Answers where the browser goes: the provider’s own page, or, for a transfer, nowhere, as the view holds the instructions. Called again it answers the same. From now on the wallet is frozen.',
  data: Type.Object({ redirect_url: Type.Union([Type.String(), Type.Null()]), view: View }),
  errors: [
    ...OWNER_ERRORS,
    'method_not_allowed',
    'quote_expired',
    'coin_unavailable',
    'error_payment_creation',
  ],
  examples: {
    answer: { redirect_url: 'https://ramp.example.com/simulators/card/cs_4f9d', view: PAYMENT_VIEW_EXAMPLE },
  },
  async handle(app, request): Promise<PayResult> {
    const { id } = request.params
    const redirectUrl = await pay(app, request, id)
    return { redirect_url: redirectUrl, view: await viewFor(app, request, id) }
  },
})

export const sayPaymentSent = endpoint({
  ...shared,
  method: 'POST',
  path: `${PATH}/sent`,
  name: 'sayPaymentSent',
  summary: '“I have sent it”',
  description: 'The customer has ordered the bank transfer: the payment waits for it, longer than before.',
  data: View,
  errors: OWNER_ERRORS,
  examples: { answer: { ...PAYMENT_VIEW_EXAMPLE, status: 'pending_bank' } },
  async handle(app, request) {
    const { id } = request.params
    await saySent(app, request, id)
    return viewFor(app, request, id)
  },
})

export const cancelPaymentPage = endpoint({
  ...shared,
  method: 'POST',
  path: `${PATH}/cancel`,
  name: 'cancelPaymentPage',
  summary: 'The customer gives up',
  description: 'The provider’s session is ended first; who paid at the same moment has paid.',
  data: View,
  errors: OWNER_ERRORS,
  examples: { answer: { ...PAYMENT_VIEW_EXAMPLE, status: 'cancelled', allowed: [] } },
  async handle(app, request) {
    const { id } = request.params
    await cancelByCustomer(app, request, id)
    return viewFor(app, request, id)
  },
})
