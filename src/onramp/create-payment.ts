import { type Static, Type } from 'typebox'
import type { App } from '../app.ts'
import type { Integration } from '../common/integration.ts'
import { parseAmount } from '../money/amount.ts'
import { fiatAsset } from '../money/asset.ts'
import { isLocalMethod } from '../pricing/payment-methods.ts'
import { endpoint } from '../server/endpoint.ts'
import { type FieldErrors, fail } from '../server/errors.ts'
import { Amount, Chain, CoinSymbol, Currency, CustomerId, Text, WebAddress } from '../server/fields.ts'
import { hashBody } from '../server/idempotency.ts'
import type { Instructions } from './bank-instructions.ts'
import { beginPayment, wasBegun } from './begin-payment.ts'
import {
  CREATION_ERRORS,
  type CreatedPayment,
  callbackHostProblem,
  createPayment as createChecked,
  type PaymentOrder,
} from './create-payment-checks.ts'
import { findGatewayToken, gatewayAddress } from './gateway-token.ts'
import { findPayment } from './payment-store.ts'
import { canonicalWallet } from './wallet.ts'

const Body = Type.Object({
  user_id: CustomerId(),
  external_id: Type.Optional(Text('Your own id, unique among your live payments.')),
  payment_type: Type.Optional(
    Text('How the customer pays; `transfer` unless told, any case. See payment-methods.', 32),
  ),
  fiat_symbol: Currency('What the customer pays in: `EUR`, or the currency of a local method.'),
  fiat_amount: Amount('All that the customer pays, fees inside.'),
  coin_symbol: CoinSymbol(),
  coin_chain: Type.Optional(
    Chain(
      'The chain; mandatory but for the local methods of Latin America, where it is `polygon` unless told.',
    ),
  ),
  wallet: Text('Where the coins go, unless the integration configured a wallet for the chain.'),
  callback_url: Type.Optional(
    WebAddress('Where the browser goes afterwards, with `payment_id` and `status`.'),
  ),
  quote_id: Type.Optional(Text('A quote for these terms, to get its price.', 512)),
})

const TransferData = Type.Object({
  payment_id: Type.String(),
  iban: Type.String({ description: 'The account to pay to.' }),
  bic: Type.String(),
  concept: Type.Integer({
    description: 'What the payer writes in the transfer. Its last two digits check the others.',
  }),
  destination_name: Type.String({ description: 'Whose account it is.' }),
  gateway_url: Type.String({ description: 'Our page with the same, for a customer you have no page for.' }),
})

const GatewayData = Type.Object({
  url_payment: Type.String({ description: "Send the customer there: it leads to the provider's own page." }),
  payment_id: Type.String(),
})

const TRANSFER_EXAMPLE = {
  payment_id: 'Zk3VqT9bX1LmN8sR4pYw2Ac6D',
  iban: 'ES6800990001680001000017',
  bic: 'SIMBESMMXXX',
  concept: 120037,
  destination_name: 'Sandbox Remittances',
  gateway_url: 'https://ramp.example.com/gateway/transfer?token=7d8a4c1e-5b0f-4a53-9f0e-2f6b8f0d9c11',
}

const GATEWAY_EXAMPLE = {
  url_payment: 'https://ramp.example.com/gateway/psd2?token=7d8a4c1e-5b0f-4a53-9f0e-2f6b8f0d9c11',
  payment_id: 'Zk3VqT9bX1LmN8sR4pYw2Ac6D',
}

const DEFAULT_TYPE = 'transfer'
/** Local methods come without a chain. */
const DEFAULT_CHAIN = 'polygon'

export const createPayment = endpoint({
  method: 'POST',
  path: '/api/createPayment',
  section: 'onramp',
  name: 'createPayment',
  summary: 'Create a payment on your own page',
  description: [
    'For a bank transfer the answer says where to pay and what to write, to be shown to the customer; its `status` is spelled `sucess`. For every other method it holds `url_payment`: send the customer there, and the customer is taken to the provider’s own page.',
    '',
    'The price is fixed now and holds as long as the payment waits; a transfer’s is fixed when the money is booked. The same `external_id` with the same body answers the payment that exists already. When the provider refuses or does not answer, the payment is cancelled at once, and its `external_id` and its quote are free: ask again.',
  ].join('\n'),
  audience: 'token',
  body: Body,
  data: Type.Union([TransferData, GatewayData]),
  forms: [
    {
      title: 'bank transfer',
      envelope: { status: 'sucess', message: 'payment_created' },
      data: TransferData,
      example: TRANSFER_EXAMPLE,
      isOf: (data) => 'iban' in data,
    },
    {
      title: 'every other method',
      envelope: { status: 'success', message: 'payment_created' },
      data: GatewayData,
      request: { payment_type: 'psd2', external_id: 'order-abc-002' },
      example: GATEWAY_EXAMPLE,
      isOf: (data) => 'url_payment' in data,
    },
  ],
  errors: ['fiat_not_supported', ...CREATION_ERRORS, 'error_payment_creation'],
  examples: {
    request: {
      user_id: 100001,
      external_id: 'order-abc-001',
      fiat_symbol: 'EUR',
      fiat_amount: '240',
      coin_symbol: 'USDC',
      coin_chain: 'polygon',
      wallet: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
    },
    answer: TRANSFER_EXAMPLE,
  },
  requires: ({ body }) => (isLocalMethod(body.payment_type ?? DEFAULT_TYPE) ? [] : ['coin_chain']),
  check({ body }, { integration }): FieldErrors {
    const errors: FieldErrors = {}
    const fiat = body.fiat_symbol === undefined ? undefined : fiatAsset(body.fiat_symbol)
    const amount = fiat && body.fiat_amount !== undefined ? parseAmount(body.fiat_amount, fiat) : undefined
    if (amount?.problem) errors.fiat_amount = [amount.problem]
    const problem = callbackHostProblem(integration, body.callback_url)
    if (problem) errors.callback_url = [problem]
    return errors
  },
  refuse({ fiat_symbol }) {
    if (!fiatAsset(fiat_symbol)) fail('fiat_not_supported', `${fiat_symbol} is not supported.`)
  },
  async handle(app, request) {
    const order = readOrder(request)
    const { externalId } = order
    // The first call with this key was broken off after it had made the payment.
    if (request.recorded !== null)
      return wireOf(app, order, { id: request.recorded, externalId, isNew: false })
    const created = await createChecked(app, order, async (trx, { id, instructions, gatewayToken }) => {
      // Of the others the provider is asked first: only then is there an answer to remember.
      if (instructions) await request.remember(trx, wireTransfer(app, id, instructions, gatewayToken!))
      else await request.record(trx, id)
    })
    return wireOf(app, order, created)
  },
})

function readOrder({
  body,
  integration,
}: {
  body: Static<typeof Body>
  integration: Integration
}): PaymentOrder {
  const fiat = fiatAsset(body.fiat_symbol)!
  const asked = {
    customerId: Number(body.user_id),
    guided: false,
    fiatUnits: parseAmount(body.fiat_amount, fiat).units!,
    symbol: body.coin_symbol.toUpperCase(),
    chain: (body.coin_chain ?? DEFAULT_CHAIN).toLowerCase(),
    paymentType: (body.payment_type ?? DEFAULT_TYPE).toLowerCase(),
    wallet: body.wallet,
    quoteId: body.quote_id ?? null,
    callbackUrl: body.callback_url ?? null,
  }
  return {
    ...asked,
    integration,
    externalId: body.external_id ?? null,
    // What was asked for, not how it was written: unknown fields are ignored here as well.
    requestHash: hashBody({
      ...asked,
      wallet: canonicalWallet(asked.wallet),
      fiat: fiat.id,
      fiatUnits: String(asked.fiatUnits),
    }),
    fiat,
  }
}

type Needs = Parameters<typeof beginPayment>[0] & Pick<App, 'config'>

async function wireOf(
  app: Needs,
  { integration, paymentType }: PaymentOrder,
  created: CreatedPayment,
): Promise<object> {
  const { id, isNew, instructions } = created
  const name = { integrationId: integration.id, id }
  if (paymentType !== 'transfer' && (isNew || !(await wasBegun(app, name)))) await beginPayment(app, name)
  const token = created.gatewayToken ?? (await findGatewayToken(app, integration.id, id))
  if (token === undefined) throw new Error(`Payment ${id} has no gateway.`)
  if (paymentType !== 'transfer') {
    return { url_payment: gatewayAddress(app, paymentType, token), payment_id: id }
  }
  return wireTransfer(app, id, instructions ?? (await readInstructions(app, integration.id, id)), token)
}

/** Of a payment that was created before by the same request. */
async function readInstructions(
  { db }: Pick<App, 'db'>,
  integrationId: number,
  id: string,
): Promise<Instructions> {
  const payment = await findPayment(db, integrationId, id)
  if (!payment?.account || payment.accountIban === null || payment.concept === null) {
    throw new Error(`Payment ${id} has no instructions.`)
  }
  return { ...payment.account, iban: payment.accountIban, concept: payment.concept }
}

const wireTransfer = (
  app: Pick<App, 'config'>,
  id: string,
  { iban, bic, concept, holderName }: Instructions,
  token: string,
) => ({
  payment_id: id,
  iban,
  bic,
  concept,
  destination_name: holderName,
  gateway_url: gatewayAddress(app, 'transfer', token),
})
