import { CompiledQuery, type Insertable, sql } from 'kysely'
import type { Db, Trx } from '../db/database.ts'
import { createRowUpdate } from '../db/row-update.ts'
import type { PaymentsTable } from '../db/schema.ts'
import type { Payment } from './payment.ts'

/** The payment of this integration, or undefined: another's is answered exactly like none. */
export async function findPayment(
  db: Db | Trx,
  integrationId: number,
  id: string,
): Promise<Payment | undefined> {
  const { rows } = await sql<Row>`
    ${PAYMENTS} where payments.integration_id = ${integrationId} and payments.id = ${id}`.execute(db)
  return rows[0] && readRow(rows[0])
}

/** Those of these payments that are this integration's, by their ids. */
export async function findPayments(
  db: Db | Trx,
  integrationId: number,
  ids: readonly string[],
): Promise<Map<string, Payment>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<Row>`
    ${PAYMENTS} where payments.integration_id = ${integrationId}
                  and payments.id = any(${[...ids]}::text[])`.execute(db)
  return new Map(rows.map((row) => [row.id, readRow(row)]))
}

/** The payment of that id, whoever's it is: for the customer's page, the operator and the lanes. */
export async function findPaymentById(db: Db | Trx, id: string): Promise<Payment | undefined> {
  const { rows } = await sql<Row>`${PAYMENTS} where payments.id = ${id}`.execute(db)
  return rows[0] && readRow(rows[0])
}

/** The payment that holds this `external_id` now. */
export async function findLivePayment(
  db: Db | Trx,
  integrationId: number,
  externalId: string,
): Promise<Payment | undefined> {
  const { rows } = await sql<Row>`
    ${PAYMENTS} where payments.integration_id = ${integrationId}
                  and payments.live_external_id = ${externalId}`.execute(db)
  return rows[0] && readRow(rows[0])
}

/**
 * Locks payments, always in the order of their ids. Locks are taken in one order everywhere: the customer, effects,
 * payments, and then what belongs to a payment (sessions, bank lines); so no two transactions wait for each other. Rows
 * of others may refer to a locked payment: its keys never change. With `leaveBusy` those that others hold are left out.
 */
export async function lockPayments(
  trx: Trx,
  ids: readonly string[],
  { leaveBusy = false }: { leaveBusy?: boolean } = {},
): Promise<Map<string, Payment>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<Row>`
    ${PAYMENTS} where payments.id = any(${[...ids]}::text[]) order by payments.id
       for no key update of payments ${leaveBusy ? sql`skip locked` : sql``}`.execute(trx)
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

/** What a new payment is written with; the other columns begin empty. */
const FIRST_COLUMNS = [
  'integrationId',
  'id',
  'customerId',
  'externalId',
  'liveExternalId',
  'requestHash',
  'guided',
  'paymentType',
  'state',
  'fiat',
  'fiatUnits',
  'limitUnits',
  'symbol',
  'chain',
  'coinUnits',
  'price',
  'feeUnits',
  'networkFeeUnits',
  'terms',
  'priceFixedAt',
  'priceExpiresAt',
  'quoteId',
  'wallet',
  'walletFixed',
  'walletFrozen',
  'accountIban',
  'concept',
  'callbackUrl',
  'expiresAt',
  'dueAt',
  'createdAt',
  'updatedAt',
] as const satisfies (keyof PaymentsTable)[]

/** A payment as it is created. */
export type NewPayment = Required<Pick<Insertable<PaymentsTable>, (typeof FIRST_COLUMNS)[number]>>

const snake = (column: string): string => column.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

// The texts of both statements are made once: building them anew costs more than what is done around them.
const INSERT = `insert into payments (${FIRST_COLUMNS.map(snake).join(', ')})
                values (${FIRST_COLUMNS.map((_, index) => `$${index + 1}`).join(', ')})`

export async function insertPayment(trx: Trx, payment: NewPayment): Promise<void> {
  const values = FIRST_COLUMNS.map((column) => payment[column])
  await trx.executeQuery(CompiledQuery.raw(INSERT, values))
}

/** What a change may write, with the type of its column. */
const CHANGING = {
  state: 'text',
  paymentType: 'text',
  liveExternalId: 'text',
  receivedUnits: 'numeric',
  convertedUnits: 'numeric',
  conversionRound: 'integer',
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

/** Writes what changed of locked payments, in one statement whatever their number. */
export const updatePayments = createRowUpdate<Payment>('payments', CHANGING)

const PAYMENTS = sql`
  select payments.*, customers.key_wrapped, customers.banned_at as customer_banned_at,
         customers.language as customer_language, bank_accounts.bic,
         bank_accounts.holder_name as account_holder_name, bank_accounts.bank_name
    from payments
    join customers on customers.integration_id = payments.integration_id and customers.id = payments.customer_id
    left join bank_accounts on bank_accounts.iban = payments.account_iban`

interface Row extends Omit<Payment, 'account'> {
  bic: string | null
  accountHolderName: string | null
  bankName: string | null
}

function readRow(row: Row): Payment {
  const { bic, accountHolderName, bankName } = row
  const account = bic === null ? null : { bic, holderName: accountHolderName!, bankName: bankName! }
  // Not copied: many are read at a time, and each has some sixty fields.
  return Object.assign(row, { account })
}
