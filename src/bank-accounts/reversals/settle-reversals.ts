import { sql } from 'kysely'
import type { App } from '../../app.ts'
import { recordAudit } from '../../common/integration-store.ts'
import type { Trx } from '../../db/database.ts'
import { takeBackOutflow } from '../../effects/payout-store.ts'
import { isUnordered, withdrawOrders } from '../../effects/withdraw-order.ts'
import { bookAll } from '../../ledger/book.ts'
import { formatAmount } from '../../money/amount.ts'
import { assetOf } from '../../money/asset.ts'
import { CHARGEBACK_LOSS } from '../../onramp/chargeback.ts'
import { beginChanges, wakeAfter, writeChanges } from '../../onramp/payment-changes.ts'
import { chargeBackTransfer } from '../../onramp/transfer-taken-back.ts'
import { suspenseOf } from '../record-lines.ts'
import { lineReference, takeBack } from '../refund-line.ts'
import { findReversed, type Reversal } from './find-reversed.ts'
import { lockOwners } from './lock-owners.ts'
import { undoFor } from './undo-for.ts'

type Needs = Pick<App, 'clock' | 'config' | 'secrets' | 'wake' | 'log' | 'pageNews'>

/** How the reason of a debit begins that takes back what isn't known to have come, or what a person has claimed. */
export const REVERSAL_UNKNOWN = 'debit:reversal_unknown'
const REVERSAL_CLAIMED = 'debit:reversal_claimed:'

/**
 * Settles what the bank took back on an account, in the transaction that tells of it: a credit that nobody has is
 * nobody's any more; what it was matched as is undone, as an operator would; and where coins or money have left, it is
 * lost. A debit whose credit isn't known waits for it. Answers what to do after the commit.
 */
export async function settleReversals(app: Needs, trx: Trx, iban: string): Promise<() => void> {
  const { rows } = await sql<Reversal>`
    select iban, id, units, currency, booked_on, reversal_refs, payer_index, counterparty_sealed, concept, end_to_end_id
      from bank_transactions
     where iban = ${iban} and reversal = 'waits' and state = 'unmatched' and matched_units = 0
       and transfer_ref is null and reverses is null
     order by booked_at, id`.execute(trx)
  const afters: (() => void)[] = []
  for (const debit of rows) {
    const credit = await findReversed(app, trx, debit)
    if (credit === undefined) await tellDebit(trx, debit, { state: 'unmatched', reason: REVERSAL_UNKNOWN })
    else afters.push(await settleReversal(app, trx, debit, credit))
  }
  return () => {
    for (const after of afters) after()
  }
}

interface Credit {
  units: bigint
  matchedUnits: bigint
  payments: { id: string; units: bigint }[]
}

async function settleReversal(app: Needs, trx: Trx, debit: Reversal, creditId: string): Promise<() => void> {
  const { iban } = debit
  await lockOwners(trx, iban, [creditId])
  const before = await readCredit(trx, iban, creditId)
  const afters: (() => void)[] = []
  const lost: string[] = []
  let lossUnits = 0n
  let takenUnits = 0n
  for (const payment of before.payments) {
    const told = { change: whyOf(debit), reason: takenBackBy(debit) }
    const undone = await undoFor(app, trx, { iban, transactionId: creditId, paymentId: payment.id }, told)
    if (undone !== undefined) {
      afters.push(undone)
      continue
    }
    const charged = await chargeFor(app, trx, debit, { creditId, payment })
    afters.push(charged.after)
    takenUnits += payment.units
    lossUnits += charged.lossUnits
    if (charged.lossUnits > 0n) lost.push(`payment ${payment.id}`)
  }
  const paidBack = await stopRefunds(app, trx, iban, creditId)
  lossUnits += paidBack.units
  lost.push(...paidBack.effects.map((effect) => `effect ${effect}`))
  const { units, matchedUnits } = await readCredit(trx, iban, creditId)
  const freeUnits = units - matchedUnits
  const leftUnits = debit.units - freeUnits - takenUnits - paidBack.units
  if (leftUnits === debit.units) {
    await tellDebit(trx, debit, { state: 'unmatched', reason: REVERSAL_CLAIMED + creditId, creditId })
    return () => {}
  }
  await bookSettled(app, trx, debit, { freeUnits, paidBackUnits: paidBack.units })
  await closeCredit(trx, debit, { creditId, isPayments: takenUnits > 0n })
  const text = `${formatAmount(lossUnits, assetOf(debit.currency))} ${debit.currency}`
  await tellDebit(trx, debit, {
    state: 'matched',
    creditId,
    reversal: lossUnits > 0n ? 'lost' : 'settled',
    reason:
      lossUnits > 0n
        ? `It takes line ${creditId} back, of which ${text} had left: ${lost.join(', ')}.`
        : `It takes line ${creditId} back.`,
  })
  if (lossUnits > 0n)
    app.log.error({ iban, line: debit.id, credit: creditId, lost }, 'The bank took back money that had left.')
  return () => {
    for (const after of afters) after()
    app.wake('payment-expiry')
  }
}

async function readCredit(trx: Trx, iban: string, id: string): Promise<Credit> {
  const { rows } = await sql<Credit>`
    select units, matched_units,
           array(select jsonb_build_object('id', m.payment_id, 'units', m.units::text) from bank_matches m
                  where m.iban = t.iban and m.transaction_id = t.id and m.units > 0 order by m.payment_id) as payments
      from bank_transactions t where iban = ${iban} and id = ${id}`.execute(trx)
  const { payments, ...credit } = rows[0]!
  return { ...credit, payments: payments.map((one) => ({ ...one, units: BigInt(one.units) })) }
}

const whyOf = ({ id }: Reversal): { who: string; why: string } => ({
  who: 'bank',
  why: `The bank took the transfer back (line ${id}).`,
})

async function chargeFor(
  app: Needs,
  trx: Trx,
  { iban, id, ...debit }: Reversal,
  { creditId, payment }: { creditId: string; payment: { id: string; units: bigint } },
): Promise<{ lossUnits: bigint; after: () => void }> {
  const changes = beginChanges(app)
  const lossUnits = await chargeBackTransfer(app, trx, changes, {
    paymentId: payment.id,
    iban,
    creditId,
    debitId: id,
    units: payment.units,
    account: suspenseOf(iban),
    mark: async () => {
      await sql`update bank_transactions set reverses = ${creditId} where iban = ${iban} and id = ${id}`.execute(
        trx,
      )
    },
  })
  await writeChanges(trx, changes)
  await recordAudit(trx, changes.now, {
    ...whyOf({ iban, id, ...debit }),
    action: 'bank-line.reverse',
    target: lineReference(iban, creditId),
    after: { payment: payment.id, units: payment.units.toString(), lossUnits: lossUnits.toString() },
  })
  return { lossUnits, after: () => wakeAfter(app, changes) }
}

/** What of a credit was to be paid back, and nobody but us has yet, stays; answers what has left, or may have. */
async function stopRefunds(
  app: Needs,
  trx: Trx,
  iban: string,
  creditId: string,
): Promise<{ units: bigint; effects: string[] }> {
  const refunds = await trx
    .selectFrom('effects')
    .select(['id', 'reference', 'purpose', 'asset', 'units', 'reason'])
    .select(sql<boolean>`${isUnordered} or effects.state = 'failed'`.as('stays'))
    .where('reference', '=', lineReference(iban, creditId))
    .where('state', '<>', 'cancelled')
    .orderBy('id')
    .forUpdate()
    .execute()
  const staying = refunds.filter(({ stays }) => stays)
  const now = app.clock.now()
  await withdrawOrders(
    trx,
    staying.map(({ id }) => id),
    now,
  )
  for (const effect of staying) {
    await takeBackOutflow(trx, effect.id)
    await takeBack(trx, effect, now)
  }
  const left = refunds.filter(({ stays }) => !stays)
  return { units: left.reduce((sum, { units }) => sum + units, 0n), effects: left.map(({ id }) => id) }
}

/** What nobody had of the credit is gone from suspense with the debit; what had been paid back is lost. */
async function bookSettled(
  app: Needs,
  trx: Trx,
  { iban, id, currency }: Reversal,
  { freeUnits, paidBackUnits }: { freeUnits: bigint; paidBackUnits: bigint },
): Promise<void> {
  const suspense = suspenseOf(iban)
  const journal = { integrationId: null, reference: lineReference(iban, id), at: app.clock.now() }
  await bookAll(trx, [
    {
      ...journal,
      kind: 'bank_reversal',
      purpose: `bank-line:${iban}:${id}:reversal`,
      postings: [
        { account: suspense, asset: currency, units: freeUnits },
        { account: suspense, asset: currency, units: -freeUnits },
      ],
    },
    {
      ...journal,
      kind: 'bank_reversal_lost',
      purpose: `bank-line:${iban}:${id}:reversal-lost`,
      postings: [
        { account: CHARGEBACK_LOSS, asset: currency, units: paidBackUnits },
        { account: suspense, asset: currency, units: -paidBackUnits },
      ],
    },
  ])
}

const takenBackBy = ({ id }: Reversal): string => `The bank took it back: line ${id}.`

/** Nothing is left of the credit, and nobody is proposed for it any more. */
async function closeCredit(
  trx: Trx,
  debit: Reversal,
  { creditId, isPayments }: { creditId: string; isPayments: boolean },
): Promise<void> {
  const { iban } = debit
  await sql`
    with unproposed as (delete from bank_suggestions where iban = ${iban} and transaction_id = ${creditId})
    update bank_transactions
       set matched_units = units, state = ${isPayments ? 'matched' : 'returned'}, due_at = null, lease_until = null,
           match_reasons = ${JSON.stringify([takenBackBy(debit)])}::jsonb
     where iban = ${iban} and id = ${creditId}`.execute(trx)
}

async function tellDebit(
  trx: Trx,
  { iban, id }: Reversal,
  told: { state: 'matched' | 'unmatched'; reason: string; creditId?: string; reversal?: 'settled' | 'lost' },
): Promise<void> {
  await sql`
    update bank_transactions
       set state = ${told.state}, match_reasons = ${JSON.stringify([told.reason])}::jsonb,
           reverses = ${told.creditId ?? null}, reversal = ${told.reversal ?? 'waits'},
           matched_units = case when ${told.state} = 'matched' then units else 0 end
     where iban = ${iban} and id = ${id}`.execute(trx)
}
