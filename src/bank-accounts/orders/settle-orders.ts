import { type RawBuilder, sql } from 'kysely'
import type { App } from '../../app.ts'
import { recordAudit } from '../../common/integration-store.ts'
import type { Trx } from '../../db/database.ts'
import { type Change, RefusedOperation } from '../../effects/operate-effects.ts'
import type { Lane } from '../../kernel/lanes.ts'
import { book } from '../../ledger/book.ts'
import { formatAmount } from '../../money/amount.ts'
import { assetOf } from '../../money/asset.ts'
import { isNamed } from '../batches/sum-names.ts'
import { recallEarlyReturns } from '../recall-returns.ts'
import { BANK_LINE_LANE, suspenseOf, transitOutOf } from '../record-lines.ts'
import { nameOddDebits } from './name-debits.ts'

export const ORDER_LANE = 'bank-orders'

type Needs = Pick<App, 'db' | 'clock' | 'wake' | 'log'>

/**
 * Follows orders that left in files by what the statements say: an order whose debit was read is booked. A bank that
 * books a whole file as one line is understood when the line names the file: in its text, as its reference, or as the
 * batch that it is the sum of (camt `PmtInfId`, `MsgId`).
 */
export function orderLane(app: Needs): Lane {
  return {
    name: ORDER_LANE,
    pollMs: 5_000,
    async step() {
      const settled = (await settleBatches(app)) + (await settleOrders(app))
      // After the sums of whole files: these carry a file's name where single orders have theirs.
      await nameOddDebits(app)
      if (settled > 0) app.wake('payouts', BANK_LINE_LANE)
      return settled
    },
    // It follows statements, whenever they come.
    nextDue: async () => null,
  }
}

/** Orders whose debit was read. Answers how many. */
async function settleOrders({ db, clock }: Needs): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const now = clock.now()
    const { rows } = await sql<{ idempotencyKey: string }>`
      update file_orders o set state = 'booked', reason = null, reason_text = null, updated_at = ${now}
        from bank_transactions t
       where o.state in ('accepted', 'rejected') and o.file_id is not null
         and t.iban = o.iban and t.transfer_ref = o.idempotency_key and t.direction = 'debit'
      returning o.idempotency_key`.execute(trx)
    await lookAtEffects(
      trx,
      rows.map(({ idempotencyKey }) => idempotencyKey),
      now,
    )
    return rows.length
  })
}

/**
 * The effects of these orders are asked about at once. One that the bank's answer had refused, and whose money it took
 * all the same, is on its way again.
 */
export async function lookAtEffects(trx: Trx, keys: readonly string[], now: Date): Promise<void> {
  if (keys.length === 0) return
  await recallEarlyReturns(trx, keys, now)
  await sql`
    update effects set due_at = ${now}, state = case when state = 'failed' then 'sent' else state end
     where idempotency_key = any(${[...keys]}::text[]) and state in ('prepared', 'sent', 'unknown', 'failed')`.execute(
    trx,
  )
}

/** A file's orders are one group for the bank, whose `PmtInfId` is the file's name with this behind it. */
const ONLY_GROUP = '-1'

/** Lines that took a whole file and say so: nobody has to look at them. */
async function settleBatches(app: Needs): Promise<number> {
  const { rows } = await sql<{ fileId: string; iban: string; lineId: string }>`
    select f.id as file_id, f.iban, t.id as line_id
      from order_files f join bank_transactions t on t.iban = f.iban
     where f.batch_line is null and t.direction = 'debit' and t.transfer_ref is null and t.matched_units = 0
       and t.units <= f.units and t.booked_on >= f.created_at::date - 1
       and t.state <> 'divided' and t.units = (${openUnitsOf(sql`f.id`)})
       and (position(f.message_id in t.concept) > 0 or starts_with(t.end_to_end_id, f.message_id)
            or ${isNamed(sql`array['message:' || f.message_id, 'batch:' || f.message_id || ${ONLY_GROUP}::text]`)})
     order by f.created_at, t.booked_at`.execute(app.db)
  let taken = 0
  for (const { fileId, iban, lineId } of rows) {
    await app.db.transaction().execute(async (trx) => {
      const batch = await lockBatch(trx, fileId, lineId)
      if (batch.problem === undefined) taken += await takeBatch(trx, batch, app.clock.now())
      else
        app.log.warn(
          { fileId, iban, lineId, problem: batch.problem },
          'A line names a file that it does not fit.',
        )
    })
  }
  return taken
}

/**
 * A person says that a line is the one sum of a file's orders: they are booked. The line's amount must be what the
 * file's orders come to that the bank has not refused, nor booked by themselves. Answers how many orders it booked.
 */
export async function settleFile(
  app: Needs,
  { fileId, lineId }: { fileId: string; lineId: string },
  { who, why }: Change,
): Promise<number> {
  const orders = await app.db.transaction().execute(async (trx) => {
    const batch = await lockBatch(trx, fileId, lineId)
    if (batch.problem !== undefined) throw new RefusedOperation(batch.problem)
    const now = app.clock.now()
    await recordAudit(trx, now, {
      who,
      why,
      action: 'order-file.settle',
      target: `order-file:${fileId}`,
      after: { line: lineId },
    })
    return takeBatch(trx, batch, now)
  })
  app.wake('payouts', BANK_LINE_LANE)
  return orders
}

/** What a file's orders come to that are neither refused nor booked. */
const openUnitsOf = (fileId: RawBuilder<unknown>) => sql`
  select coalesce(sum(o.units), 0) from file_orders o where o.file_id = ${fileId} and o.state = 'accepted'`

interface Batch {
  fileId: string
  iban: string
  lineId: string
  currency: string
  units: bigint
  problem: string | undefined
}

async function lockBatch(trx: Trx, fileId: string, lineId: string): Promise<Batch> {
  const file = await trx
    .selectFrom('orderFiles')
    .select(['iban', 'batchLine'])
    .where('id', '=', fileId)
    .forUpdate()
    .executeTakeFirst()
  if (!file) throw new RefusedOperation(`There is no file ${fileId}. "bank orders files" shows them.`)
  await sql`select from file_orders where file_id = ${fileId} order by idempotency_key for update`.execute(
    trx,
  )
  const line = await trx
    .selectFrom('bankTransactions')
    .select(['direction', 'units', 'matchedUnits', 'transferRef', 'currency', 'dueAt', 'state'])
    .where('iban', '=', file.iban)
    .where('id', '=', lineId)
    .forUpdate()
    .executeTakeFirst()
  if (!line) throw new RefusedOperation(`There is no line ${lineId} of ${file.iban}.`)
  const { rows } = await sql<{
    openUnits: bigint
  }>`select (${openUnitsOf(sql`${fileId}`)}) as open_units`.execute(trx)
  const { openUnits } = rows[0]!
  const { currency, units } = line
  const text = (one: bigint) => `${formatAmount(one, assetOf(currency))} ${currency}`
  const isOpen =
    line.direction === 'debit' &&
    line.transferRef === null &&
    line.matchedUnits === 0n &&
    // The money of a divided sum is that of its transfers' lines.
    line.state !== 'divided'
  const problem =
    file.batchLine !== null
      ? `File ${fileId} was taken by line ${file.batchLine} already.`
      : !isOpen || line.dueAt !== null
        ? `Line ${lineId} is no debit without an owner.`
        : openUnits !== units
          ? `Line ${lineId} is of ${text(units)}; what is open of file ${fileId} comes to ${text(openUnits)}.`
          : undefined
  return { fileId, iban: file.iban, lineId, currency, units, problem }
}

/** The line leaves suspense and ends what was in transit. */
async function takeBatch(
  trx: Trx,
  { fileId, iban, lineId, currency, units }: Batch,
  now: Date,
): Promise<number> {
  await trx.updateTable('orderFiles').set({ batchLine: lineId }).where('id', '=', fileId).execute()
  await trx
    .updateTable('bankTransactions')
    .set({ state: 'matched', matchedUnits: units, matchReasons: JSON.stringify([`order-file:${fileId}`]) })
    .where('iban', '=', iban)
    .where('id', '=', lineId)
    .execute()
  await book(trx, {
    kind: 'order_file',
    purpose: `order-file:${fileId}`,
    integrationId: null,
    reference: lineId,
    at: now,
    postings: [
      { account: transitOutOf(iban), asset: currency, units },
      { account: suspenseOf(iban), asset: currency, units: -units },
    ],
  })
  const booked = await trx
    .updateTable('fileOrders')
    .set({ state: 'booked', updatedAt: now })
    .where('fileId', '=', fileId)
    .where('state', '=', 'accepted')
    .returning('idempotencyKey')
    .execute()
  await lookAtEffects(
    trx,
    booked.map(({ idempotencyKey }) => idempotencyKey),
    now,
  )
  return booked.length
}
