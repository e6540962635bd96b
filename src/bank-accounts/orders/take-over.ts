import { sql } from 'kysely'
import type { App } from '../../app.ts'
import { recordAudit } from '../../common/integration-store.ts'
import type { Trx } from '../../db/database.ts'
import { isUnsettledDebit } from '../../effects/held-orders.ts'
import { type Change, RefusedOperation } from '../../effects/operate-effects.ts'
import { isBeingAsked } from '../../effects/order-word.ts'
import { book } from '../../ledger/book.ts'
import { lockBooks } from '../lock-books.ts'
import { suspenseOf, transitOutOf } from '../record-lines.ts'
import { listHeldOrders, mendHeld, whyHeld } from './held-orders.ts'

type Needs = Pick<App, 'db' | 'clock' | 'wake'>

/** Locks go in this order everywhere: the books, files, orders in them, orders in none, effects, payments, lines. */
const lockOrder = async (trx: Trx, key: string) =>
  trx
    .selectFrom('fileOrders')
    .select(['iban', 'units', 'currency', 'state', 'fileId'])
    .where('idempotencyKey', '=', key)
    .forUpdate()
    .executeTakeFirst()

/**
 * An earlier order was carried out in place of one that is in no file: the effect of that one is the earlier order's from
 * here on, and the order that waited is over and never goes into a file. The earlier one counts as booked. Answers why
 * that can't be; then nothing is written.
 */
export async function takeOver(
  trx: Trx,
  { earlier, waiting }: { earlier: string; waiting: string },
  { who, why, now }: Change & { now: Date },
): Promise<string | undefined> {
  const done = await lockOrder(trx, earlier)
  const order = await lockOrder(trx, waiting)
  const effects = await trx
    .selectFrom('effects')
    .select(['id', 'state', 'door', 'asset', 'units', 'idempotencyKey'])
    .where('idempotencyKey', 'in', [earlier, waiting])
    .orderBy('id')
    .forUpdate()
    .execute()
  const own = effects.find(({ idempotencyKey }) => idempotencyKey === waiting)
  const former = effects.find(({ idempotencyKey }) => idempotencyKey === earlier)
  if (!own || !['planned', 'sent', 'unknown'].includes(own.state)) return `Order ${waiting} waits no more.`
  const isWaiting = order ? order.fileId === null && order.state === 'accepted' : own.state === 'planned'
  if (!isWaiting) return `Order ${waiting} is in a file already, or over.`
  if (!done?.fileId) return `Order ${earlier} is in no file of ours.`
  const isAlike = done.units === own.units && done.currency === own.asset && `bank:${done.iban}` === own.door
  if (!isAlike) return `Order ${earlier} is of another amount, or account, than ${waiting}.`
  if (former && former.state !== 'cancelled') return `Order ${earlier} is of an effect that is not given up.`
  if (await isBeingAsked(trx, own.id)) return `Effect ${own.id} is being asked about; try again in a moment.`
  if (order) {
    const withdrawn = {
      state: 'rejected',
      reasonText: `${earlier} was booked in its place`,
      updatedAt: now,
    } as const
    await trx.updateTable('fileOrders').set(withdrawn).where('idempotencyKey', '=', waiting).execute()
  }
  await trx
    .updateTable('fileOrders')
    .set({ state: 'booked', reason: null, reasonText: null, updatedAt: now })
    .where('idempotencyKey', '=', earlier)
    .execute()
  await giveKey(trx, { own: own.id, former: former?.id, earlier, waiting }, now)
  await recordAudit(trx, now, {
    who,
    why,
    action: 'effect.take-over',
    target: `effect:${own.id}`,
    before: { order: waiting },
    after: { order: earlier, from: former?.id ?? null },
  })
  return undefined
}

/** The effect that was given up gets the key that was never used, so that each key is one effect's. */
async function giveKey(
  trx: Trx,
  {
    own,
    former,
    earlier,
    waiting,
  }: { own: string; former: string | undefined; earlier: string; waiting: string },
  now: Date,
): Promise<void> {
  await sql`update effects set idempotency_key = ${`over:${waiting}`} where id = ${own}`.execute(trx)
  if (former !== undefined) {
    await sql`
      update effects set idempotency_key = ${waiting}, provider_ref = ${waiting}, updated_at = ${now}
       where id = ${former}`.execute(trx)
  }
  await sql`
    update effects set idempotency_key = ${earlier}, provider_ref = ${earlier}, state = 'sent', attempts = 0,
           due_at = ${now}, lease_until = null, updated_at = ${now}
     where id = ${own}`.execute(trx)
}

/** A debit without an owner is the one of this order: it leaves suspense and ends what was in transit. */
export async function giveLine(
  trx: Trx,
  { iban, lineId, key }: { iban: string; lineId: string; key: string },
  now: Date,
): Promise<boolean> {
  const { rows } = await sql<{ units: bigint; currency: string }>`
    update bank_transactions t set state = 'matched', transfer_ref = ${key}, match_reasons = '[]'
     where t.iban = ${iban} and t.id = ${lineId} and ${isUnsettledDebit} returning t.units, t.currency`.execute(
    trx,
  )
  const [line] = rows
  if (!line) return false
  await book(trx, {
    kind: 'bank_debit_named',
    purpose: `bank-line:${iban}:${lineId}:order`,
    integrationId: null,
    reference: lineId,
    at: now,
    postings: [
      { account: transitOutOf(iban), asset: line.currency, units: line.units },
      { account: suspenseOf(iban), asset: line.currency, units: -line.units },
    ],
  })
  return true
}

/** Leaves a transaction of which nothing may stay. */
class NotTaken extends Error {}

/**
 * Debits of orders that the bank had refused and that were tried again: as long as the new order is in no file, what was
 * to be paid is paid, to the same receiver, and the new one is over. Answers how many.
 */
export async function takeEarlierDebits({ db, clock }: Pick<App, 'db' | 'clock'>): Promise<number> {
  const { rows } = await sql<{ iban: string; lineId: string; earlier: string; waiting: string }>`
    select distinct t.iban, t.id as line_id, first.idempotency_key as earlier, e.idempotency_key as waiting
      from bank_transactions t
      join file_orders first on first.idempotency_key = t.end_to_end_id and first.iban = t.iban
       and first.file_id is not null and first.state in ('accepted', 'rejected')
       and first.units = t.units and first.currency = t.currency
      join audit_log a on a.action = 'effect.retry' and a.before->>'order' = first.idempotency_key
      join effects e on e.id = substr(a.target, length('effect:') + 1)
       and e.idempotency_key <> first.idempotency_key and e.state in ('planned', 'sent', 'unknown')
      left join file_orders o on o.idempotency_key = e.idempotency_key
     where ${isUnsettledDebit} and t.transfer_ref is null and o.file_id is null
     order by 1, 2`.execute(db)
  let taken = 0
  for (const { iban, lineId, earlier, waiting } of rows) {
    const now = clock.now()
    const by = { who: 'the statement', why: `line ${lineId} of ${iban} took the money`, now }
    const isTaken = await db
      .transaction()
      .execute(async (trx) => {
        await lockBooks(trx, 'shared')
        if ((await takeOver(trx, { earlier, waiting }, by)) !== undefined) return false
        if (await giveLine(trx, { iban, lineId, key: earlier }, now)) return true
        throw new NotTaken()
      })
      .catch((error: unknown) => {
        if (error instanceof NotTaken) return false
        throw error
      })
    if (isTaken) taken += 1
  }
  return taken
}

/**
 * A person says that an effect whose order is held back is paid: by the debit of the earlier order that holds it. False
 * when its order waits for no file: then its provider is asked. Throws `RefusedOperation` when no such debit is known.
 */
export async function settleHeldOrder(app: Needs, effect: string, change: Change): Promise<boolean> {
  const waiting = await app.db
    .selectFrom('effects as e')
    .innerJoin('fileOrders as o', 'o.idempotencyKey', 'e.idempotencyKey')
    .select('o.idempotencyKey')
    .where('e.id', '=', effect)
    .where('o.fileId', 'is', null)
    .where('o.state', '=', 'accepted')
    .executeTakeFirst()
  if (!waiting) return false
  const [held] = await listHeldOrders(app.db, { effect })
  if (!held) {
    throw new RefusedOperation(
      `The order of effect ${effect} is in no file yet: the bank can't have booked it. "effects cancel ${effect}" gives it up.`,
    )
  }
  if (held.by !== 'order') {
    throw new RefusedOperation(
      `The order of effect ${effect} is held back: ${whyHeld(held)}. ${mendHeld(held)}`,
    )
  }
  const { earlier, endToEndId, lineIban: iban, lineId, lineUnits, units } = held
  if (lineUnits !== units || iban !== held.iban) {
    throw new RefusedOperation(
      `Line ${lineId} of ${iban} is of another amount, or account, than effect ${effect}: "effects cancel ${effect}", then settle the line.`,
    )
  }
  await app.db.transaction().execute(async (trx) => {
    await lockBooks(trx, 'shared')
    const now = app.clock.now()
    const problem = await takeOver(trx, { earlier, waiting: endToEndId }, { ...change, now })
    if (problem !== undefined) throw new RefusedOperation(problem)
    if (!(await giveLine(trx, { iban, lineId, key: earlier }, now)))
      throw new RefusedOperation(`Line ${lineId} of ${iban} has an owner by now.`)
  })
  app.wake('payouts')
  return true
}

/** Refuses to name the owner of a debit while it holds an order back: else that order would go and pay once more. */
export async function refuseHolding(trx: Trx, { iban, id }: { iban: string; id: string }): Promise<void> {
  const held = (await listHeldOrders(trx)).find(
    ({ lineIban, lineId, by }) => lineIban === iban && lineId === id && by !== 'amount',
  )
  if (!held) return
  throw new RefusedOperation(
    `Order ${held.endToEndId} of effect ${held.effect} is held back: ${whyHeld(held)}. ${mendHeld(held)}`,
  )
}
