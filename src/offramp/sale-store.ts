import { type Insertable, sql } from 'kysely'
import type { Db, Trx } from '../db/database.ts'
import { createRowInsert } from '../db/row-insert.ts'
import { createRowUpdate } from '../db/row-update.ts'
import type { SalesTable } from '../db/schema.ts'
import type { DepositPlace } from './deposit-address.ts'
import type { Sale } from './sale.ts'

/** The sale of this integration, or undefined: another's is answered exactly like none. */
export async function findSale(db: Db | Trx, integrationId: number, id: string): Promise<Sale | undefined> {
  const { rows } = await sql<Sale>`
    ${SALES} where sales.integration_id = ${integrationId} and sales.id = ${id}`.execute(db)
  return rows[0]
}

/** The sale of that id, whoever's it is: for the operator and the lanes. */
export async function findSaleById(db: Db | Trx, id: string): Promise<Sale | undefined> {
  const { rows } = await sql<Sale>`${SALES} where sales.id = ${id}`.execute(db)
  return rows[0]
}

/** The sale that holds this `external_id` now. */
export async function findLiveSale(
  db: Db | Trx,
  integrationId: number,
  externalId: string,
): Promise<Sale | undefined> {
  const { rows } = await sql<Sale>`
    ${SALES} where sales.integration_id = ${integrationId} and sales.live_external_id = ${externalId}`.execute(
    db,
  )
  return rows[0]
}

/**
 * Locks sales, always in the order of their ids. Locks are taken in one order everywhere: the customer, effects,
 * payments and sales, and then what belongs to them (deposits, bank lines).
 */
export async function lockSales(trx: Trx, ids: readonly string[]): Promise<Map<string, Sale>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<Sale>`
    ${SALES} where sales.id = any(${[...ids]}::text[]) order by sales.id for update of sales`.execute(trx)
  return new Map(rows.map((row) => [row.id, row]))
}

/** What a sale begins with; of the rest the table knows the beginning. */
const NEW = [
  'integrationId',
  'id',
  'customerId',
  'externalId',
  'liveExternalId',
  'requestHash',
  'state',
  'chain',
  'symbol',
  'askedUnits',
  'fiat',
  'fiatUnits',
  'feeUnits',
  'price',
  'priceFixedAt',
  'priceExpiresAt',
  'terms',
  'quoteId',
  'address',
  'refundWallet',
  'payeeSealed',
  'expiresAt',
  'dueAt',
  'createdAt',
  'updatedAt',
] as const satisfies readonly (keyof SalesTable)[]

export type NewSale = Pick<Insertable<SalesTable>, (typeof NEW)[number]>

/** The caller has inserted the wallet of its address. */
export const insertSale = createRowInsert<NewSale>('sales', NEW)

/**
 * The wallet of a new sale, in the transaction that inserts the sale. Answers false where the chain is not known yet,
 * as its node never answered: nothing that comes there would be seen.
 */
export async function insertDepositWallet(
  trx: Trx,
  { chain, address, keyRef }: { chain: string; address: string; keyRef: string },
): Promise<boolean> {
  const { rows } = await sql`
    insert into wallets (chain, address, key_ref, role, epoch)
    select chain, ${address}, ${keyRef}, 'deposit', epoch from chains where chain = ${chain}
    returning chain`.execute(trx)
  return rows.length > 0
}

/**
 * The next place among the deposit addresses. One never comes twice, on whatever chain, nor again after an older state of
 * the database was put back: the second is of the clock, not of the calendar of the platform, and goes on.
 */
export async function takeDepositPlace(trx: Trx): Promise<DepositPlace> {
  const { rows } = await sql<{ second: number; index: number }>`
    select floor(extract(epoch from clock_timestamp() - '2020-01-01Z'::timestamptz))::integer as second,
           nextval('deposit_indexes') as index`.execute(trx)
  return { second: rows[0]!.second, index: Number(rows[0]!.index) }
}

/** Those of these sales that are this integration's, by their ids. */
export async function findSales(
  db: Db | Trx,
  integrationId: number,
  ids: readonly string[],
): Promise<Map<string, Sale>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<Sale>`
    ${SALES} where sales.integration_id = ${integrationId} and sales.id = any(${[...ids]}::text[])`.execute(
    db,
  )
  return new Map(rows.map((row) => [row.id, row]))
}

/** What a change may write, with the type of its column. */
const CHANGING = {
  state: 'text',
  liveExternalId: 'text',
  receivedUnits: 'numeric',
  convertedUnits: 'numeric',
  returnedUnits: 'numeric',
  keptUnits: 'numeric',
  conversions: 'jsonb',
  fiatUnits: 'numeric',
  feeUnits: 'numeric',
  price: 'text',
  priceFixedAt: 'timestamptz',
  priceExpiresAt: 'timestamptz',
  payeeSealed: 'bytea',
  refundWallet: 'text',
  txid: 'text',
  reviewReason: 'text',
  reviewDetail: 'text',
  endReason: 'text',
  payout: 'jsonb',
  coinReturn: 'jsonb',
  earlierPayouts: 'jsonb',
  earlierReturns: 'jsonb',
  failure: 'text',
  version: 'integer',
  expiresAt: 'timestamptz',
  dueAt: 'timestamptz',
  leaseUntil: 'timestamptz',
  updatedAt: 'timestamptz',
} as const satisfies Partial<Record<keyof SalesTable, string>>

/** Writes what changed of locked sales, in one statement whatever their number. */
export const updateSales = createRowUpdate<Sale>('sales', CHANGING)

const SALES = sql`
  select sales.*, customers.key_wrapped, customers.banned_at as customer_banned_at
    from sales
    join customers on customers.integration_id = sales.integration_id and customers.id = sales.customer_id`
