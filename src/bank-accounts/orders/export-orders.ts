import { sql } from 'kysely'
import type { App } from '../../app.ts'
import { recordAudit } from '../../common/integration-store.ts'
import type { Trx } from '../../db/database.ts'
import type { HeldOrder } from '../../effects/held-orders.ts'
import { type Change, RefusedOperation } from '../../effects/operate-effects.ts'
import { randomText } from '../../kernel/ids.ts'
import { tellHandedOver } from '../../onramp/payment-room.ts'
import { FILE_ORDER_PURPOSE, type OrderedPayee } from '../../providers/bank/files/order-book.ts'
import { nextSepaDay, sepaDateOf } from '../../providers/bank/files/sepa-days.ts'
import { type FileOrder, type OrderFormat, writeOrders } from '../../providers/bank/files/write-orders.ts'
import { lockBooks } from '../lock-books.ts'
import { listHeldOrders, mendHeld, whyHeld } from './held-orders.ts'

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'log'> & {
  providers: Pick<App['providers'], 'storage'>
}

/** Files are kept under their own ids, sealed for this purpose alone. */
const FILE_PURPOSE = 'order-file'
const storageKeyOf = (id: string): string => `order-files/${id}`

/** Banks take files of some ten thousand orders; what is over goes into the next file. */
const MOST_ORDERS = 10_000
/** So often others may take orders into a file of theirs while ours is written. */
const MOST_TRIES = 5

export interface MadeFile {
  id: string
  messageId: string
  orders: number
  /** Cents. */
  units: bigint
  xml: string
}

/** A file, and the orders that wait still, as the money of orders in their place may have left before. */
export interface ExportedFile extends MadeFile {
  held: HeldOrder[]
}

/**
 * Writes all waiting orders of an account into one file, each order into exactly one file for good. The file is kept
 * before its orders are taken, and given out only after: a crash in between leaves the orders waiting, or the file to
 * be given out again (`readOrderFile`). `executeOn` is the day, `YYYY-MM-DD`, on which the bank carries it out: from
 * today on. What waited when an account was told to go by its bank's API again still goes by file. An order stays out
 * while a debit of an earlier order in its place is unsettled, see held-orders.ts. Throws `RefusedOperation` when nothing
 * waits, or nothing may go.
 */
export async function exportOrders(
  app: Needs,
  { iban, format, executeOn }: { iban: string; format: OrderFormat; executeOn?: string | undefined },
  change: Change,
): Promise<ExportedFile> {
  const debtor = await findDebtor(app, iban)
  const today = sepaDateOf(app.clock.now())
  if (executeOn !== undefined && executeOn < today) throw new RefusedOperation(`${executeOn} is over.`)
  for (let attempt = 1; attempt <= MOST_TRIES; attempt += 1) {
    const held = await listHeldOrders(app.db, { iban })
    const orders = await listWaiting(app, iban, held)
    if (orders.length === 0) refuseEmpty(iban, held)
    const now = app.clock.now()
    const id = randomText(18)
    const messageId = `${sepaDateOf(now).replaceAll('-', '')}-${id}`
    const group = { executeOn: executeOn ?? nextSepaDay(today), orders }
    const xml = writeOrders({ format, messageId, createdAt: now, debtor, groups: [group] })
    const storageKey = storageKeyOf(id)
    await app.providers.storage.write(storageKey, app.secrets.seal(`${FILE_PURPOSE}:${id}`, Buffer.from(xml)))
    const made = { id, messageId, orders: orders.length, units: sumOf(orders), xml }
    const taken = await app.db
      .transaction()
      .execute((trx) => takeOrders(app, trx, made, { iban, format, storageKey, orders, now }, change))
    if (taken) return { ...made, held }
    // Somebody else's file has some of them now: this one was never given out, and never will be.
    await app.providers.storage.remove(storageKey)
  }
  throw new RefusedOperation(`Others are writing orders of ${iban} into files. Try again.`)
}

/** The file again, byte for byte; who has it is recorded. Throws `RefusedOperation` when there is none. */
export async function readOrderFile(
  { db, clock, secrets, providers }: Pick<Needs, 'db' | 'clock' | 'secrets' | 'providers'>,
  id: string,
  change: Change,
): Promise<string> {
  const file = await db.selectFrom('orderFiles').select('storageKey').where('id', '=', id).executeTakeFirst()
  if (!file) throw new RefusedOperation(`There is no file ${id}. "bank orders files" shows them.`)
  const sealed = await providers.storage.read(file.storageKey)
  // It names people and their accounts.
  const entry = { ...change, action: 'order-file.read', target: `order-file:${id}` }
  await db.transaction().execute((trx) => recordAudit(trx, clock.now(), entry))
  return secrets.open(`${FILE_PURPOSE}:${id}`, sealed).toString('utf8')
}

async function findDebtor({ db }: Needs, iban: string): Promise<{ name: string; iban: string; bic: string }> {
  const account = await db
    .selectFrom('bankAccounts')
    .select(['holderName as name', 'iban', 'bic'])
    .where('iban', '=', iban)
    .executeTakeFirst()
  if (!account) throw new RefusedOperation(`We have no account ${iban}. "accounts list" shows them.`)
  return account
}

function refuseEmpty(iban: string, held: readonly HeldOrder[]): never {
  if (held.length === 0) throw new RefusedOperation(`No orders of ${iban} wait for a file.`)
  const each = held.map((order) => `${order.endToEndId}: ${whyHeld(order)}. ${mendHeld(order)}`)
  throw new RefusedOperation(
    [`No orders of ${iban} may go into a file; ${held.length} are held back.`, ...each].join('\n'),
  )
}

async function listWaiting(
  { db, secrets }: Needs,
  iban: string,
  held: readonly HeldOrder[],
): Promise<FileOrder[]> {
  // Only what counts as sent can never be given up any more.
  const { rows } = await sql<{ idempotencyKey: string; units: bigint; destinationSealed: Buffer }>`
    select o.idempotency_key, o.units, o.destination_sealed
      from file_orders o join effects e on e.idempotency_key = o.idempotency_key and e.state = 'sent'
     where o.iban = ${iban} and o.file_id is null and o.state = 'accepted'
       and o.idempotency_key <> all(${held.map(({ endToEndId }) => endToEndId)}::text[])
     order by o.created_at, o.idempotency_key limit ${MOST_ORDERS}`.execute(db)
  return rows.map(({ idempotencyKey, units, destinationSealed }) => {
    const payee: OrderedPayee = JSON.parse(
      secrets.open(FILE_ORDER_PURPOSE, destinationSealed).toString('utf8'),
    )
    return { endToEndId: idempotencyKey, units, ...payee }
  })
}

const sumOf = (orders: readonly FileOrder[]): bigint => orders.reduce((sum, { units }) => sum + units, 0n)

/** False, and nothing is written, when any of them is in another file, given up or held back by now. */
async function takeOrders(
  app: Needs,
  trx: Trx,
  { id, messageId, units }: MadeFile,
  {
    iban,
    format,
    storageKey,
    orders,
    now,
  }: { iban: string; format: OrderFormat; storageKey: string; orders: readonly FileOrder[]; now: Date },
  { who, why }: Change,
): Promise<boolean> {
  const keys = orders.map(({ endToEndId }) => endToEndId)
  // No debit comes in between: what is recorded by now is seen below, and the next waits until these are in their file.
  await lockBooks(trx, 'alone')
  const { rows } = await sql<{ idempotencyKey: string }>`
    select idempotency_key from file_orders
     where idempotency_key = any(${keys}::text[])
       and file_id is null and state = 'accepted'
     order by idempotency_key for update`.execute(trx)
  if (rows.length !== orders.length) return false
  if ((await listHeldOrders(trx, { keys })).length > 0) return false
  await trx
    .insertInto('orderFiles')
    .values({
      id,
      iban,
      format,
      messageId,
      storageKey,
      orders: orders.length,
      units,
      madeBy: who,
      createdAt: now,
    })
    .execute()
  await trx
    .updateTable('fileOrders')
    .set({ fileId: id, updatedAt: now })
    .where(sql<boolean>`idempotency_key = any(${rows.map(({ idempotencyKey }) => idempotencyKey)}::text[])`)
    .execute()
  await tellHandedOver(
    app,
    trx,
    rows.map(({ idempotencyKey }) => idempotencyKey),
  )
  await recordAudit(trx, now, {
    who,
    why,
    action: 'order-file.make',
    target: `order-file:${id}`,
    after: { iban, format, orders: orders.length, units: units.toString() },
  })
  return true
}
