import { type Selectable, sql } from 'kysely'
import type { App } from '../../app.ts'
import type { BankTransactionsTable } from '../../db/schema.ts'
import type { PaymentState } from '../../onramp/payment-states.ts'
import { customerKey, openName } from '../customer-names.ts'
import { ANY_NAME } from './payment-names.ts'

type Needs = Pick<App, 'db' | 'secrets'>

interface PaymentRow {
  paymentId: string
  integrationId: number
  customerId: number
  state: PaymentState
  fiat: string
  fiatUnits: bigint
  leftUnits: bigint
  iban: string
  /** `YYYY-MM-DD`: when the payer was told where to pay. */
  toldOn: string
  keyWrapped: Buffer | null
  personalSealed: Buffer
}

export type NamedRow = Omit<PaymentRow, 'keyWrapped' | 'personalSealed'> & {
  name: ReturnType<typeof openName>
}

/** The payments of these ids with their customers' names, besides those that are loaded. */
export async function loadPayments(
  { db, secrets }: Needs,
  wanted: readonly string[],
  loaded: ReadonlyMap<string, NamedRow>,
): Promise<Map<string, NamedRow>> {
  const ids = [...new Set(wanted)].filter((id) => !loaded.has(id))
  if (ids.length === 0) return new Map(loaded)
  const { rows } = await sql<PaymentRow>`
    select payments.id as payment_id, payments.integration_id, payments.customer_id, state, fiat, fiat_units,
           fiat_units - received_units + refunded_units as left_units, account_iban as iban,
           ((coalesce(concepts.created_at, payments.created_at) at time zone 'UTC')::date)::text as told_on,
           key_wrapped, personal_sealed
      from payments
      join customers on customers.integration_id = payments.integration_id and customers.id = payments.customer_id
      left join payment_concepts concepts on concepts.iban = account_iban and concepts.concept = payments.concept
     where payments.id = any(${ids}::text[])`.execute(db)
  // Each name is opened once: many pay again and again.
  const names = new Map<string, NamedRow['name']>()
  const nameOf = ({ keyWrapped, personalSealed, ...customer }: PaymentRow): NamedRow['name'] => {
    const key = customerKey(customer)
    if (!names.has(key)) names.set(key, openName(secrets, keyWrapped, personalSealed))
    return names.get(key)!
  }
  const found = rows.map((row): [string, NamedRow] => {
    const { keyWrapped: _key, personalSealed: _sealed, ...shown } = row
    return [row.paymentId, { ...shown, name: nameOf(row) }]
  })
  return new Map([...loaded, ...found])
}

type Amount = Pick<Selectable<BankTransactionsTable>, 'iban' | 'units'>

export const amountKey = ({ iban, units }: Amount): string => `${iban} ${units}`

/** How many open payments of an account are for so much. */
export async function countAmounts({ db }: Needs, lines: readonly Amount[]): Promise<Map<string, number>> {
  const asked = new Map(lines.map((line) => [amountKey(line), line]))
  const { rows } = await sql<{ iban: string; units: bigint; count: number }>`
    select given.iban, given.units, hits.count
      from unnest(${[...asked.values()].map(({ iban }) => iban)}::text[],
                  ${[...asked.values()].map(({ units }) => units.toString())}::numeric[]) given (iban, units),
           lateral (select count(*)::integer as count from (
             select 1 from payment_names names
              where names.iban = given.iban and names.digest = ${ANY_NAME} and names.units = given.units
              limit 2) found) hits`.execute(db)
  return new Map(rows.map((row) => [amountKey(row), row.count]))
}
