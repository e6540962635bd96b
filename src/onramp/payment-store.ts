import { type Insertable, sql } from 'kysely'
import type { Db, Trx } from '../db/database.ts'
import type { PaymentsTable } from '../db/schema.ts'
import type { Payment } from './payment.ts'

/** The payment of this integration, or undefined: another's is answered exactly like none. */
export async function findPayment(
  db: Db | Trx,
  integrationId: number,
  id: string,
): Promise<Payment | undefined> {
  const row = await selectPayments(db)
    .where('payments.integrationId', '=', integrationId)
    .where('payments.id', '=', id)
    .executeTakeFirst()
  return row && readRow(row)
}

/** The payment of that id, whoever's it is: for the customer's page, the operator and the lanes. */
export async function findPaymentById(db: Db | Trx, id: string): Promise<Payment | undefined> {
  const row = await selectPayments(db).where('payments.id', '=', id).executeTakeFirst()
  return row && readRow(row)
}

/** The payment that holds this `external_id` now. */
export async function findLivePayment(
  db: Db | Trx,
  integrationId: number,
  externalId: string,
): Promise<Payment | undefined> {
  const row = await selectPayments(db)
    .where('payments.integrationId', '=', integrationId)
    .where('payments.liveExternalId', '=', externalId)
    .executeTakeFirst()
  return row && readRow(row)
}

/**
 * Locks payments, always in the order of their ids. Locks are taken in one order everywhere: the customer, effects,
 * payments, and then what belongs to a payment (sessions, bank lines); so no two transactions wait for each other.
 */
export async function lockPayments(trx: Trx, ids: readonly string[]): Promise<Map<string, Payment>> {
  if (ids.length === 0) return new Map()
  const rows = await selectPayments(trx)
    .where(sql<boolean>`payments.id = any(${[...ids]}::text[])`)
    .orderBy('payments.id')
    .forUpdate('payments')
    .execute()
  return new Map(rows.map((row) => [row.id, readRow(row)]))
}

/** Of these names, those that a payment other than the one given holds now. */
export async function findTakenNames(trx: Trx, payments: readonly Payment[]): Promise<Set<string>> {
  const named = payments.filter(
    ({ externalId, liveExternalId }) => externalId !== null && liveExternalId === null,
  )
  if (named.length === 0) return new Set()
  const { rows } = await sql<{ paymentId: string }>`
    select given.payment_id
      from unnest(${named.map(({ integrationId }) => integrationId)}::integer[],
                  ${named.map(({ externalId }) => externalId)}::text[],
                  ${named.map(({ id }) => id)}::text[]) given (integration_id, external_id, payment_id)
      join payments on payments.integration_id = given.integration_id
                   and payments.live_external_id = given.external_id`.execute(trx)
  return new Set(rows.map(({ paymentId }) => paymentId))
}

export async function insertPayment(trx: Trx, payment: Insertable<PaymentsTable>): Promise<void> {
  await trx.insertInto('payments').values(payment).execute()
}

/** What a change may write, with the type of its column. */
const CHANGING = {
  state: 'text',
  paymentType: 'text',
  liveExternalId: 'text',
  receivedUnits: 'numeric',
  convertedUnits: 'numeric',
  refundedUnits: 'numeric',
  limitUnits: 'numeric',
  coinUnits: 'numeric',
  price: 'text',
  feeUnits: 'numeric',
  networkFeeUnits: 'numeric',
  terms: 'jsonb',
  priceFixedAt: 'timestamptz',
  priceExpiresAt: 'timestamptz',
  wallet: 'text',
  walletFrozen: 'boolean',
  browserHash: 'bytea',
  handoverHash: 'bytea',
  handoverExpiresAt: 'timestamptz',
  declines: 'integer',
  lastDecline: 'text',
  holderSealed: 'bytea',
  reviewReason: 'text',
  reviewDetail: 'text',
  endReason: 'text',
  receivedAt: 'timestamptz',
  concept: 'bigint',
  accountIban: 'text',
  txid: 'text',
  refund: 'jsonb',
  chargeback: 'jsonb',
  version: 'integer',
  expiresAt: 'timestamptz',
  dueAt: 'timestamptz',
  leaseUntil: 'timestamptz',
  updatedAt: 'timestamptz',
} as const satisfies Partial<Record<keyof PaymentsTable, string>>

const CHANGING_COLUMNS = Object.keys(CHANGING) as (keyof typeof CHANGING)[]

/** Writes what changed of locked payments, in one statement whatever their number. */
export async function updatePayments(trx: Trx, payments: readonly Payment[]): Promise<void> {
  if (payments.length === 0) return
  const columns = CHANGING_COLUMNS.map((column) => sql.ref(column))
  const arrays = CHANGING_COLUMNS.map(
    (column) =>
      sql`${payments.map((payment) => writeValue(payment[column]))}::${sql.raw(CHANGING[column])}[]`,
  )
  const settings = CHANGING_COLUMNS.map((column) => sql`${sql.ref(column)} = given.${sql.ref(column)}`)
  await sql`
    update payments set ${sql.join(settings)}
      from unnest(${payments.map(({ integrationId }) => integrationId)}::integer[],
                  ${payments.map(({ id }) => id)}::text[], ${sql.join(arrays)})
           given (integration_id, id, ${sql.join(columns)})
     where payments.integration_id = given.integration_id and payments.id = given.id`.execute(trx)
}

function writeValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null || value instanceof Date || Buffer.isBuffer(value))
    return value
  return JSON.stringify(value)
}

function selectPayments(db: Db | Trx) {
  return db
    .selectFrom('payments')
    .innerJoin('customers', (join) =>
      join
        .onRef('customers.integrationId', '=', 'payments.integrationId')
        .onRef('customers.id', '=', 'payments.customerId'),
    )
    .leftJoin('bankAccounts', 'bankAccounts.iban', 'payments.accountIban')
    .selectAll('payments')
    .select([
      'customers.keyWrapped',
      'customers.bannedAt as customerBannedAt',
      'customers.language as customerLanguage',
      'bankAccounts.bic',
      'bankAccounts.holderName as accountHolderName',
      'bankAccounts.bankName',
    ])
}

type Row = Awaited<ReturnType<ReturnType<typeof selectPayments>['executeTakeFirstOrThrow']>>

function readRow(row: Row): Payment {
  const { bic, accountHolderName, bankName, ...payment } = row
  return {
    ...payment,
    account: bic === null ? null : { bic, holderName: accountHolderName!, bankName: bankName! },
  }
}
