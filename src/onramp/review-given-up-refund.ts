import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import {
  beginChanges,
  moveToReview,
  type PaymentChanges,
  setFields,
  writeChanges,
} from './payment-changes.ts'
import { lockPayments } from './payment-store.ts'

/** A refund that was given up left all the same: a person looks, where the payment isn't over. The caller has locked the effect. */
export async function reviewGivenUpRefund(
  app: Pick<App, 'clock' | 'config' | 'secrets'>,
  trx: Trx,
  { reference, detail }: { reference: string; detail: string },
): Promise<PaymentChanges> {
  const changes = beginChanges(app)
  const id = reference.slice('payment:'.length)
  const payment = (await lockPayments(trx, [id])).get(id)
  if (!payment) throw new Error(`There is no payment of ${reference}.`)
  if (payment.state === 'in_review') setFields(changes, payment, { reviewDetail: detail })
  else if (payment.state === 'payment_received') moveToReview(changes, payment, 'refund_cancelled', detail)
  await writeChanges(trx, changes)
  return changes
}
