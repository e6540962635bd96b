import { type RawBuilder, sql } from 'kysely'
import type { App } from '../../app.ts'
import { recordAudit } from '../../common/integration-store.ts'
import type { Trx } from '../../db/database.ts'
import { namesFile } from '../../effects/held-orders.ts'
import { type Change, RefusedOperation } from '../../effects/operate-effects.ts'
import { book } from '../../ledger/book.ts'
import { formatAmount } from '../../money/amount.ts'
import { assetOf } from '../../money/asset.ts'
import { openCounterparty } from '../../onramp/refund-sources.ts'
import { FILE_ORDER_PURPOSE, type OrderedPayee } from '../../providers/bank/files/order-book.ts'
import { nameWords } from '../../users/identity/name-words.ts'
import { lockBooks } from '../lock-books.ts'
import { BANK_LINE_LANE, suspenseOf, transitOutOf } from '../record-lines.ts'
import { bookOrders, bookReadOrders } from './book-orders.ts'
import { giveLine, takeOver } from './take-over.ts'

type Needs = Pick<App, 'db' | 'clock' | 'log'>
type SettleNeeds = Pick<App, 'db' | 'clock' | 'wake' | 'secrets'>

/** Lines that took a whole file and say so: nobody has to look at them. Answers how many orders they booked. */
export async function settleBatches(app: Needs): Promise<number> {
  const { rows } = await sql<{ fileId: string; iban: string; lineId: string }>`
    select f.id as file_id, f.iban, t.id as line_id
      from order_files f join bank_transactions t on t.iban = f.iban
     where f.batch_line is null and t.direction = 'debit' and t.transfer_ref is null and t.matched_units = 0
       and t.units <= f.units and t.booked_on >= f.created_at::date - 1
       and t.state <> 'divided' and t.units = (${openUnitsOf(sql`f.id`)}) and ${namesFile}
     order by f.created_at, t.booked_at`.execute(app.db)
  let taken = 0
  for (const { fileId, iban, lineId } of rows) {
    const now = app.clock.now()
    const by = { who: 'the statement', why: `line ${lineId} of ${iban} names file ${fileId}`, now }
    try {
      taken += await app.db.transaction().execute(async (trx) => {
        const batch = await lockBatch(trx, { fileId, lineId, now })
        if (batch.problem !== undefined) throw new RefusedOperation(batch.problem)
        return takeBatch(trx, { ...batch, states: ['accepted'] }, by)
      })
    } catch (error) {
      if (!(error instanceof RefusedOperation)) throw error
      app.log.warn(
        { fileId, iban, lineId, problem: error.message },
        'A line names a file that it does not fit.',
      )
    }
  }
  return taken
}

/**
 * A person says that a line is the one sum of a file's orders: they are booked. The line's amount must be what the
 * file's orders come to that the bank has not refused, nor booked by themselves; or with the refused ones: these left
 * all the same, and what was ordered in their place is over, unless it is in a file itself. Answers how many orders it
 * booked. The refusal names the orders that the line may be the debit of.
 */
export async function settleFile(
  app: SettleNeeds,
  { fileId, lineId }: { fileId: string; lineId: string },
  { who, why }: Change,
): Promise<number> {
  const now = app.clock.now()
  const orders = await app.db.transaction().execute(async (trx) => {
    const batch = await lockBatch(trx, { fileId, lineId, now })
    const { units, allUnits } = batch
    const isAll = batch.isOpen && batch.openUnits !== units && allUnits === units
    if (batch.problem !== undefined && !isAll) {
      const likely = batch.isOpen ? await nameLikely(app, trx, batch) : []
      throw new RefusedOperation([batch.problem, ...likely].join('\n'))
    }
    const target = `order-file:${fileId}`
    await recordAudit(trx, now, { who, why, action: 'order-file.settle', target, after: { line: lineId } })
    const states = isAll ? (['accepted', 'rejected'] as const) : (['accepted'] as const)
    return takeBatch(trx, { ...batch, states }, { who, why, now })
  })
  app.wake('payouts', BANK_LINE_LANE)
  return orders
}

/**
 * A person says that a line is the debit of one order of a file, which formats without ids don't tell: the order is
 * booked, also when the bank had refused it. What was ordered in its place is over then, unless it is in a file itself.
 */
export async function settleFileOrder(
  app: SettleNeeds,
  { fileId, lineId, endToEndId }: { fileId: string; lineId: string; endToEndId: string },
  { who, why }: Change,
): Promise<void> {
  const now = app.clock.now()
  await app.db.transaction().execute(async (trx) => {
    const { iban, units, currency, isOpen, ...batch } = await lockBatch(trx, { fileId, lineId, now })
    const order = await trx
      .selectFrom('fileOrders')
      .select(['units', 'state'])
      .where('fileId', '=', fileId)
      .where('idempotencyKey', '=', endToEndId)
      .executeTakeFirst()
    if (!order) throw new RefusedOperation(`There is no order ${endToEndId} in file ${fileId}.`)
    if (!isOpen && batch.problem !== undefined) throw new RefusedOperation(batch.problem)
    if (order.state !== 'accepted' && order.state !== 'rejected')
      throw new RefusedOperation(`Order ${endToEndId} is ${order.state} already.`)
    if (order.units !== units) {
      throw new RefusedOperation(
        `Line ${lineId} is of ${money(units, currency)}, order ${endToEndId} of ${money(order.units, currency)}.`,
      )
    }
    const target = `order-file:${fileId}`
    const after = { line: lineId, order: endToEndId }
    await recordAudit(trx, now, { who, why, action: 'order-file.settle-order', target, after })
    await takeReplaced(trx, [endToEndId], { who, why, now })
    if (!(await giveLine(trx, { iban, lineId, key: endToEndId }, now)))
      throw new RefusedOperation(`Line ${lineId} is no debit without an owner.`)
    await bookOrders(trx, [endToEndId], now)
  })
  app.wake('payouts', BANK_LINE_LANE)
}

const money = (units: bigint, currency: string): string =>
  `${formatAmount(units, assetOf(currency))} ${currency}`

/** What a file's orders come to that are neither refused nor booked. */
const openUnitsOf = (fileId: RawBuilder<unknown>) => sql`
  select coalesce(sum(o.units), 0) from file_orders o where o.file_id = ${fileId} and o.state = 'accepted'`

interface Batch {
  fileId: string
  iban: string
  lineId: string
  currency: string
  /** Of the line. */
  units: bigint
  /** Of the orders that are neither refused nor booked. */
  openUnits: bigint
  /** With the refused ones. */
  allUnits: bigint
  /** The line is a debit without an owner, and no other line took the file. */
  isOpen: boolean
  problem: string | undefined
}

/**
 * Locks a file, its orders, their effects, and a line, in this order, and sees what is open of the file: what was read
 * by itself is booked first. Nothing is imported meanwhile, and no other file is made.
 */
async function lockBatch(
  trx: Trx,
  { fileId, lineId, now }: { fileId: string; lineId: string; now: Date },
): Promise<Batch> {
  await lockBooks(trx, 'shared')
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
  await sql`
    select from effects
     where idempotency_key in (select idempotency_key from file_orders where file_id = ${fileId})
     order by id for update`.execute(trx)
  await bookReadOrders(trx, now, fileId)
  const orders = await trx
    .selectFrom('fileOrders')
    .select(['units', 'state'])
    .where('fileId', '=', fileId)
    .execute()
  const line = await trx
    .selectFrom('bankTransactions')
    .select(['direction', 'units', 'matchedUnits', 'transferRef', 'currency', 'dueAt', 'state'])
    .where('iban', '=', file.iban)
    .where('id', '=', lineId)
    .forUpdate()
    .executeTakeFirst()
  if (!line) throw new RefusedOperation(`There is no line ${lineId} of ${file.iban}.`)
  const sumOf = (...states: string[]): bigint =>
    orders.reduce((sum, { units, state }) => (states.includes(state) ? sum + units : sum), 0n)
  const [openUnits, allUnits] = [sumOf('accepted'), sumOf('accepted', 'rejected')]
  const { currency, units } = line
  const isUnowned =
    line.direction === 'debit' &&
    line.transferRef === null &&
    line.matchedUnits === 0n &&
    line.dueAt === null &&
    // The money of a divided sum is that of its transfers' lines.
    line.state !== 'divided'
  const withRefused =
    allUnits === openUnits ? '' : `, with what the bank refused of it to ${money(allUnits, currency)}`
  const problem =
    file.batchLine !== null
      ? `File ${fileId} was taken by line ${file.batchLine} already.`
      : !isUnowned
        ? `Line ${lineId} is no debit without an owner.`
        : openUnits !== units
          ? `Line ${lineId} is of ${money(units, currency)}; what is open of file ${fileId} comes to ${money(openUnits, currency)}${withRefused}.`
          : undefined
  const isOpen = isUnowned && file.batchLine === null
  return { fileId, iban: file.iban, lineId, currency, units, openUnits, allUnits, isOpen, problem }
}

/** The line leaves suspense and ends what was in transit. */
async function takeBatch(
  trx: Trx,
  { fileId, iban, lineId, currency, units, states }: Batch & { states: readonly ('accepted' | 'rejected')[] },
  change: Change & { now: Date },
): Promise<number> {
  const { now } = change
  const orders = await trx
    .selectFrom('fileOrders')
    .select('idempotencyKey')
    .where('fileId', '=', fileId)
    .where('state', 'in', [...states])
    .execute()
  const keys = orders.map(({ idempotencyKey }) => idempotencyKey)
  await takeReplaced(trx, keys, change)
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
  await bookOrders(trx, keys, now)
  return keys.length
}

/**
 * Of locked orders that are carried out after all, those whose effects were given up, or ordered anew: what waits in
 * their place is theirs from here on. Refused when nothing waits, as somebody is, or will be, paid twice then.
 */
async function takeReplaced(
  trx: Trx,
  keys: readonly string[],
  change: Change & { now: Date },
): Promise<void> {
  const { rows: alive } = await sql<{ idempotencyKey: string }>`
    select idempotency_key from effects
     where idempotency_key = any(${[...keys]}::text[]) and state <> 'cancelled' order by id for update`.execute(
    trx,
  )
  const own = new Set(alive.map(({ idempotencyKey }) => idempotencyKey))
  for (const earlier of keys.filter((key) => !own.has(key))) {
    const waiting = await findReplacement(trx, earlier)
    const problem =
      waiting === undefined
        ? `Order ${earlier} was given up, or ordered anew in another file: nothing waits in its place that this could have paid.`
        : await takeOver(trx, { earlier, waiting }, change)
    if (problem !== undefined) throw new RefusedOperation(problem)
  }
}

/** The order in no file that was made in place of another, of the same amount: of the same effect, or the same money. */
async function findReplacement(trx: Trx, earlier: string): Promise<string | undefined> {
  const { rows } = await sql<{ waiting: string }>`
    with owner as (
      select e.id, e.reference from effects e where e.idempotency_key = ${earlier}
      union
      select e.id, e.reference
        from audit_log a join effects e on e.id = substr(a.target, length('effect:') + 1)
       where a.action = 'effect.retry' and a.before->>'order' = ${earlier})
    select w.idempotency_key as waiting
      from owner
      join effects e on e.reference = owner.reference and e.kind = 'bank_transfer' and e.state in ('sent', 'unknown')
      join file_orders w on w.idempotency_key = e.idempotency_key and w.file_id is null and w.state = 'accepted'
      join file_orders o on o.idempotency_key = ${earlier} and o.iban = w.iban and o.units = w.units
     order by (e.id = owner.id) desc, w.created_at, w.idempotency_key limit 1`.execute(trx)
  return rows[0]?.waiting
}

/** So many are proposed. */
const MOST_LIKELY = 5

/** The orders of a file that a line of their amount may be of, those first whose receivers the line names. */
async function nameLikely(
  { secrets }: Pick<App, 'secrets'>,
  trx: Trx,
  { fileId, iban, lineId, units }: Batch,
): Promise<string[]> {
  const orders = await trx
    .selectFrom('fileOrders')
    .select(['idempotencyKey', 'destinationSealed'])
    .where('fileId', '=', fileId)
    .where('units', '=', units)
    .where('state', 'in', ['accepted', 'rejected'])
    .orderBy('idempotencyKey')
    .execute()
  const line = await trx
    .selectFrom('bankTransactions')
    .select(['concept', 'counterpartySealed'])
    .where('iban', '=', iban)
    .where('id', '=', lineId)
    .executeTakeFirstOrThrow()
  const { name } = openCounterparty(secrets, line.counterpartySealed)
  const told = new Set(nameWords(`${name ?? ''} ${line.concept}`))
  const isNamed = (sealed: Buffer): boolean => {
    const payee: OrderedPayee = JSON.parse(secrets.open(FILE_ORDER_PURPOSE, sealed).toString('utf8'))
    const words = nameWords(payee.name)
    return words.length > 0 && words.every((word) => told.has(word))
  }
  const judged = orders.map((order) => ({
    id: order.idempotencyKey,
    named: isNamed(order.destinationSealed),
  }))
  const sorted = [...judged.filter(({ named }) => named), ...judged.filter(({ named }) => !named)]
  return sorted
    .slice(0, MOST_LIKELY)
    .map(
      ({ id, named }) =>
        `Order ${id} is of this amount${named ? ', and the line names its receiver' : ''}: "bank orders settle ${fileId} ${lineId} --order ${id}".`,
    )
}
