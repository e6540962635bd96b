import { Type } from 'typebox'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { PaymentId } from '../server/fields.ts'
import { findPayment } from './payment-store.ts'
import { PaymentObject, wirePayment } from './payment-wire.ts'

/** What `GET /api/payment/{payment_id}` answers, as the documentation shows it. */
export const PAYMENT_EXAMPLE = {
  id: 'Zk3VqT9bX1LmN8sR4pYw2Ac6D',
  external_id: 'order-abc-001',
  user_id: '100067',
  status: 'coins_sent',
  fiat_amount: 15050,
  fiat_amount_exact: '150.50',
  fiat_amount_received: '150.50',
  fiat_symbol: 'EUR',
  coin_symbol: 'USDC',
  coin_chain: 'polygon',
  coin_amount: 158.024959,
  coin_amount_exact: '158.024959',
  price: '0.921500',
  price_fixed_at: '2026-06-26T10:30:00.000000Z',
  price_expires_at: '2026-06-26T10:40:00.000000Z',
  fee: '4.83',
  network_fee: '0.05',
  wallet: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  payment_type: 'card',
  txid: '0x7f9fade1c0d57a7af66ab4ead79fade1c0d57a7af66ab4ead7c2c2eb7b11a913',
  holder: { name: 'Ana Pérez', iban: null, card_last4: '4242' },
  bank_transfer: null,
  refund: null,
  chargeback: null,
  gateway_url: 'https://ramp.example.com/payment/Zk3VqT9bX1LmN8sR4pYw2Ac6D',
  expires_at: null,
  created_at: '2026-06-26T10:30:00.000000Z',
  updated_at: '2026-06-26T10:31:12.000000Z',
}

export const retrievePayment = endpoint({
  method: 'GET',
  path: '/api/payment/{payment_id}',
  section: 'onramp',
  name: 'retrievePayment',
  summary: 'Look at a payment',
  description:
    'The payment as it is now. `fiat_amount` is in cents. `holder` is null until the payment provider tells who paid. `txid` is there only when `coins_sent`. `expires_at` tells when the present state ends by itself.',
  audience: 'token',
  params: Type.Object({ payment_id: PaymentId }),
  data: PaymentObject,
  errors: ['payment_not_found'],
  examples: { answer: PAYMENT_EXAMPLE },
  async handle(app, { params, integration }) {
    const payment = await findPayment(app.db, integration.id, params.payment_id)
    if (!payment) fail('payment_not_found', 'There is no such payment.')
    return wirePayment(payment, app)
  },
})
