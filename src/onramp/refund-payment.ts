import { Type } from 'typebox'
import type { Trx } from '../db/database.ts'
import { MoneyTaken } from '../effects/given-up-money.ts'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { PaymentId } from '../server/fields.ts'
import { cancel, UNSETTLED } from './cancel-payment.ts'
import { heldUnits, type Payment } from './payment.ts'
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
    'Once money arrived and as long as no coin was dispatched. The money goes back to where it came from; `refund.state` tells how far it is, and with its confirmation the payment is `refunded`. A payment that still waits for the rest of its money is `cancelled` until then.',
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
    const within = (trx: Trx, payment: Payment) => request.remember(trx, wirePayment(payment, app))
    const refunded =
      (await refundEverything(app, found.id, { reason: 'requested', within }).catch(refuseUnsettled)) ??
      // It may still wait for the rest of its money: what came goes back, and nothing is waited for any more.
      (await cancel(app, found.id, {
        within,
        judge: refuseUnlessPartlyPaid,
        refusal: 'payment_not_refundable',
      }))
    return wirePayment(refunded, app)
  },
})

function refuseUnsettled(error: unknown): never {
  if (!(error instanceof MoneyTaken)) throw error
  fail('payment_not_refundable', UNSETTLED)
}

function refuseUnlessPartlyPaid(payment: Payment): void {
  const waits = payment.state === 'started' || payment.state === 'pending_bank'
  if (waits && heldUnits(payment) > 0n) return
  fail(
    'payment_not_refundable',
    'No money is here, it is on its way back already, or the coins were dispatched.',
  )
}
