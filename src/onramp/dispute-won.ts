import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { CHARGEBACK_LOSS } from './chargeback.ts'
import { customerFiat, type Payment } from './payment.ts'
import {
  beginChanges,
  bookFor,
  type PaymentChanges,
  setFields,
  wakeAfter,
  writeChanges,
} from './payment-changes.ts'
import { lockCoins } from './payment-effects.ts'
import { lockPayments } from './payment-store.ts'
import { planRefund } from './plan-refund.ts'
import { loadSources } from './refund-sources.ts'
import { findSession, loadSessions, type Session } from './session-store.ts'
import { takerAccount } from './session-taker.ts'

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'wake' | 'pageNews'>

/** A provider's word that a dispute was decided for us; of a session that is none of ours nothing happens. */
export async function takeWonDispute(
  app: Needs,
  provider: string,
  { providerRef }: { providerRef: string },
): Promise<void> {
  const session = await findSession(app.db, provider, providerRef)
  // A chargeback that we never heard of, and that is won, has changed nothing.
  if (!session || session.chargedBackAt === null || session.disputeWonAt !== null) return
  const changes = beginChanges(app)
  await app.db.transaction().execute(async (trx) => {
    const { paymentId } = session
    // In the order of everybody: the transfer of coins, then the payment.
    await lockCoins(trx, paymentId)
    const payment = (await lockPayments(trx, [paymentId])).get(paymentId)
    const sessions = await loadSessions(trx, [paymentId])
    const own = sessions.find(({ id }) => id === session.id)
    if (!payment?.chargeback || !own || own.chargedBackAt === null || own.disputeWonAt !== null) return
    await trx
      .updateTable('paymentSessions')
      .set({ disputeWonAt: changes.now })
      .where('id', '=', own.id)
      .execute()
    const others = sessions.some(
      ({ id, chargedBackAt, disputeWonAt }) =>
        id !== own.id && chargedBackAt !== null && disputeWonAt === null,
    )
    await bookBack(app, trx, changes, payment, { session: own, whole: !others })
    await writeChanges(trx, changes)
  })
  wakeAfter(app, changes)
}

/**
 * The provider gives back what the payer had taken. What was lost is made good; what had been held for the payer is
 * the payer's, who has neither coins nor money for it, and goes back the way it came.
 */
async function bookBack(
  app: Needs,
  trx: Trx,
  changes: PaymentChanges,
  payment: Payment,
  { session, whole }: { session: Session; whole: boolean },
): Promise<void> {
  const chargeback = payment.chargeback!
  const account = takerAccount(session.paymentType, session.provider)
  const { units, lossUnits } = await readBooked(trx, payment.id, session.id)
  const stillLost = BigInt(chargeback.lossUnits)
  const madeGood = lossUnits < stillLost ? lossUnits : stillLost
  const owed = units - madeGood
  bookFor(changes, payment, {
    kind: 'chargeback_won',
    purpose: `payment:${payment.id}:chargeback-won:${session.id}`,
    postings: [
      { account, asset: payment.fiat, units },
      { account: CHARGEBACK_LOSS, asset: payment.fiat, units: -madeGood },
      { account: customerFiat(payment.id), asset: payment.fiat, units: -owed },
    ],
  })
  setFields(changes, payment, {
    refundedUnits: payment.refundedUnits - owed,
    chargeback: {
      ...chargeback,
      lossUnits: (stillLost - madeGood).toString(),
      state: whole ? 'won' : 'charged_back',
    },
  })
  if (owed === 0n) return
  const sources = (await loadSources(trx, app, [payment.id])).get(payment.id)!
  planRefund(changes, payment, { units: owed, reason: 'excess', sources })
}

/** What the chargeback of a session took, and what of it was booked as lost. */
async function readBooked(
  trx: Trx,
  paymentId: string,
  sessionId: string,
): Promise<{ units: bigint; lossUnits: bigint }> {
  const { rows } = await sql<{ units: bigint; lossUnits: bigint }>`
    select coalesce(-sum(p.units) filter (where p.units < 0), 0) as units,
           coalesce(sum(p.units) filter (where p.account = ${CHARGEBACK_LOSS}), 0) as loss_units
      from journals j join postings p on p.journal_id = j.id
     where j.purpose = ${`payment:${paymentId}:chargeback:${sessionId}`}`.execute(trx)
  return rows[0]!
}
