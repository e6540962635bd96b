import { Type } from 'typebox'
import { parseAmount } from '../money/amount.ts'
import { assetOf, fiatAsset } from '../money/asset.ts'
import { endpoint } from '../server/endpoint.ts'
import { type FieldErrors, fail } from '../server/errors.ts'
import { Amount, Chain, CoinSymbol, CustomerId, nullable, Text, WebAddress } from '../server/fields.ts'
import { hashBody } from '../server/idempotency.ts'
import {
  CREATION_ERRORS,
  type CreatedPayment,
  callbackHostProblem,
  createPayment,
} from './create-payment-checks.ts'
import { gatewayUrl } from './payment-wire.ts'
import { canonicalWallet } from './wallet.ts'

const EUR = assetOf('EUR')

export const createGuidedPayment = endpoint({
  method: 'POST',
  path: '/api/createGuidedPayment',
  section: 'onramp',
  name: 'createGuidedPayment',
  summary: 'Create a payment that the customer makes on our page',
  description:
    'Send the customer to `gateway_url`: there the customer reviews amount and token, chooses how to pay, gives the wallet (unless the integration configured one for that chain), and pays. Guided payments are in EUR. The same `external_id` with the same body answers the payment that exists already.',
  audience: 'token',
  body: Type.Object({
    user_id: CustomerId(),
    coin_symbol: CoinSymbol(),
    coin_chain: Chain(),
    fiat_amount: Amount('All that the customer pays, fees inside.'),
    fiat_symbol: Type.Optional(CoinSymbol('`EUR`, the only one.')),
    payment_type: Type.Optional(
      Text('`card` (default), `psd2` or `transfer`; the customer may choose another.', 32),
    ),
    external_id: Type.Optional(Text('Your own id, unique among your live payments.')),
    callback_url: Type.Optional(
      WebAddress('Where the browser goes afterwards, with `payment_id` and `status`.'),
    ),
    wallet: Type.Optional(Text('Where the coins go; the customer is asked for it otherwise.')),
    quote_id: Type.Optional(Text('A quote for these terms, to get its price.', 512)),
  }),
  envelope: { status: 'success', message: 'guided_payment_created' },
  data: Type.Object({
    payment_id: Type.String(),
    gateway_url: Type.String(),
    external_id: nullable(Type.String()),
  }),
  errors: ['guided_payment_eur_only', ...CREATION_ERRORS],
  examples: {
    request: {
      user_id: 100001,
      coin_symbol: 'USDC',
      coin_chain: 'polygon',
      fiat_amount: '150.50',
      external_id: 'order-abc-003',
      callback_url: 'https://shop.example.com/thanks',
    },
    answer: {
      payment_id: 'Zk3VqT9bX1LmN8sR4pYw2Ac6D',
      gateway_url: 'https://ramp.example.com/payment/Zk3VqT9bX1LmN8sR4pYw2Ac6D',
      external_id: 'order-abc-003',
    },
  },
  check({ body }, { integration }): FieldErrors {
    const errors: FieldErrors = {}
    if (body.fiat_amount !== undefined) {
      const { problem } = parseAmount(body.fiat_amount, fiatAsset(body.fiat_symbol ?? 'EUR') ?? EUR)
      if (problem) errors.fiat_amount = [problem]
    }
    const problem = callbackHostProblem(integration, body.callback_url)
    if (problem) errors.callback_url = [problem]
    return errors
  },
  refuse({ fiat_symbol }) {
    if ((fiat_symbol ?? 'EUR').toUpperCase() !== 'EUR') {
      fail('guided_payment_eur_only', 'A guided payment is in EUR. Leave fiat_symbol out, or send EUR.')
    }
  },
  async handle(app, request) {
    const { body, integration } = request
    const wire = ({ id, externalId }: CreatedPayment) => ({
      payment_id: id,
      gateway_url: gatewayUrl(app, id),
      external_id: externalId,
    })
    const asked = {
      customerId: Number(body.user_id),
      guided: true,
      fiatUnits: parseAmount(body.fiat_amount, EUR).units!,
      symbol: body.coin_symbol.toUpperCase(),
      chain: body.coin_chain.toLowerCase(),
      paymentType: (body.payment_type ?? 'card').toLowerCase(),
      wallet: body.wallet ?? null,
      quoteId: body.quote_id ?? null,
      callbackUrl: body.callback_url ?? null,
    }
    const created = await createPayment(
      app,
      {
        ...asked,
        integration,
        externalId: body.external_id ?? null,
        // What was asked for, not how it was written: unknown fields are ignored here as well.
        requestHash: hashBody({
          ...asked,
          wallet: canonicalWallet(asked.wallet),
          fiatUnits: String(asked.fiatUnits),
        }),
        fiat: EUR,
      },
      (trx, payment) => request.remember(trx, wire(payment)),
    )
    return wire(created)
  },
})
