import { Type } from 'typebox'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { PaymentId } from '../server/fields.ts'
import { findPayment } from './payment-store.ts'
import { PaymentObject, wirePayment } from './payment-wire.ts'
import { refundEverything } from './refund-everything.ts'
import { PAYMENT_EXAMPLE } from './retrieve-payment.ts'

export const refundPayment = endpoint({
  method: 'POST',
  path: '/api/payment/{payment_id}/refund',
  section: 'onramp',
  name: 'refundPayment',
  summary: 'Refund a payment',
  description:
    'Once money arrived and as long as no coin was dispatched. The money goes back to where it came from; `refund.state` tells how far it is, and with its confirmation the payment is `refunded`.',
  audience: 'token',
  params: Type.Object({ payment_id: PaymentId }),
  data: PaymentObject,
  errors: ['payment_not_found', 'payment_not_refundable'],
  examples: {
    answer: {
      ...PAYMENT_EXAMPLE,
      status: 'payment_received',
      txid: undefined,
      refund: {
        state: 'planned',
        amount: '150.50',
        reason: 'requested',
        created_at: '2026-06-26T10:31:12.000000Z',
      },
    },
  },
  async handle(app, request) {
    const found = await findPayment(app.db, request.integration.id, request.params.payment_id)
    if (!found) fail('payment_not_found', 'There is no such payment.')
    const refunded = await refundEverything(app, found.id, {
      reason: 'requested',
      within: (trx, payment) => request.remember(trx, wirePayment(payment, app)),
    })
    if (!refunded) {
      fail(
        'payment_not_refundable',
        'No money is here, it is on its way back already, or the coins were dispatched.',
      )
    }
    return wirePayment(refunded, app)
  },
})
