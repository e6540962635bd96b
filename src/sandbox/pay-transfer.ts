import type { App } from '../app.ts'
import { giveInstructions } from '../onramp/bank-instructions.ts'
import type { Payment } from '../onramp/payment.ts'
import { beginChanges, setFields, writeChanges } from '../onramp/payment-changes.ts'
import { lockPayments } from '../onramp/payment-store.ts'
import { payerIban, receiveTransfer } from '../providers/bank/simulated/incoming.ts'
import { BANK_LANE } from '../providers/bank/simulated/lane.ts'
import { fail } from '../server/errors.ts'
import { payerName } from './payer-name.ts'

export const TRANSFER_OUTCOMES = ['exact', 'less', 'more', 'late', 'third_party'] as const

/** How long after the payment's end a late transfer arrives. */
const LATE_BY_MS = 60_000
const SOMEBODY_ELSE = 'Otra Persona Distinta'

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'wake'>

/** The customer's bank sends money to the account, with the concept, that the payment names. */
export async function payByTransfer(
  app: Needs,
  payment: Payment,
  outcome: string,
  amountUnits: bigint | undefined,
): Promise<{ units: bigint; arrivesAt: Date }> {
  const { concept, accountIban } = payment.concept === null ? await instruct(app, payment) : payment
  const now = app.clock.now()
  const name = outcome === 'third_party' ? SOMEBODY_ELSE : await payerName(app, payment)
  const units = amountUnits ?? unitsOf(payment, outcome)
  const arrivesAt =
    outcome === 'late' && payment.expiresAt ? new Date(payment.expiresAt.getTime() + LATE_BY_MS) : now
  const sent = await receiveTransfer(app.db, {
    iban: accountIban!,
    units,
    currency: payment.fiat,
    fromName: name,
    fromIban: payerIban(name),
    concept: String(concept),
    dueAt: arrivesAt,
    now,
  })
  if (!sent) {
    fail(
      'method_not_allowed',
      `The simulated bank does not have account ${accountIban}: its money is told by statements alone.`,
    )
  }
  app.wake(BANK_LANE)
  return { units, arrivesAt }
}

/** `exact` is what is still missing, or all of it once nothing is. */
function unitsOf({ fiatUnits, receivedUnits }: Payment, outcome: string): bigint {
  if (outcome === 'less') return fiatUnits - fiatUnits / 5n
  if (outcome === 'more') return fiatUnits + fiatUnits / 5n
  return receivedUnits < fiatUnits ? fiatUnits - receivedUnits : fiatUnits
}

/** On a guided payment the customer comes to the instructions on the page; here they are given as the page would. */
function instruct(app: Needs, { id, state }: Payment): Promise<Payment> {
  if (state !== 'started')
    fail('payment_not_pending', `The payment is ${state}; it is not waiting for the customer.`)
  const changes = beginChanges(app)
  return app.db.transaction().execute(async (trx) => {
    const payment = (await lockPayments(trx, [id])).get(id)!
    if (payment.wallet === null) {
      fail('invalid_wallet', 'The payment has no wallet yet. Give one at creation or on its page.')
    }
    if (!(await giveInstructions(trx, changes, payment))) {
      fail('method_not_allowed', `There is no account in ${payment.fiat} to pay to.`)
    }
    setFields(changes, payment, { walletFrozen: true })
    await writeChanges(trx, changes)
    return payment
  })
}
