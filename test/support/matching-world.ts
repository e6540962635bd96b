import { sql } from 'kysely'
import { recordBankLines } from '../../src/bank-accounts/record-lines.ts'
import type { CustomerName } from '../../src/bank-accounts/same-person.ts'
import type { Db } from '../../src/db/database.ts'
import { type Secrets, sha256 } from '../../src/kernel/secrets.ts'
import type { BankLine } from '../../src/providers/bank/port.ts'
import { NOTHING_KNOWN, sealData } from '../../src/users/personal-data.ts'
import type { InventedLine, InventedLines } from './bank-lines-generator.ts'

type Needs = { db: Db; secrets: Secrets }

const AT_ONCE = 5_000
const ID_LENGTH = 25

/** Puts invented customers and payments straight into the database; the payments are like the template. */
export async function putPayments(
  needs: Needs,
  { seed, customers, payments }: Pick<InventedLines, 'seed' | 'customers' | 'payments'>,
  { iban, templateId }: { iban: string; templateId: string },
): Promise<void> {
  const ids: number[] = []
  for (let at = 0; at < customers.length; at += AT_ONCE) {
    const names = customers.slice(at, at + AT_ONCE).map(({ name }) => name)
    ids.push(...(await putCustomers(needs, names, `${seed} ${at}`)))
  }
  const columns = await findColumns(needs.db)
  for (let at = 0; at < payments.length; at += AT_ONCE) {
    const some = payments.slice(at, at + AT_ONCE)
    await sql`
      with given as (
        select * from unnest(
          ${some.map((_, place) => paymentIdOf(seed, at + place))}::text[],
          ${some.map(({ customer }) => ids[customer])}::bigint[],
          ${some.map(({ units }) => units.toString())}::numeric[],
          ${some.map(({ concept }) => concept)}::bigint[], ${some.map(({ state }) => state)}::text[],
          ${some.map(({ createdAt }) => createdAt)}::timestamptz[]) given (id, customer_id, units, concept, state, at)
      ), concepts as (
        insert into payment_concepts (iban, concept, integration_id, payment_id, created_at)
        select ${iban}, concept, 1, id, at from given
      ), unnamed as (
        insert into unnamed_payments (iban, payment_id) select ${iban}, id from given
      )
      insert into payments (${sql.join(columns.map((column) => sql.ref(column)))})
      select ${sql.join(columns.map((column) => sql.raw(OWN[column] ?? `template.${column}`)))}
        from given, payments template, (select ${iban}::text as iban) account
       where template.id = ${templateId}`.execute(needs.db)
  }
}

/** What a payment doesn't have from the template. */
const OWN: Readonly<Record<string, string>> = {
  id: 'given.id',
  customer_id: 'given.customer_id',
  fiat_units: 'given.units',
  concept: 'given.concept',
  account_iban: 'account.iban',
  state: 'given.state',
  external_id: 'null',
  live_external_id: 'null',
  quote_id: 'null',
  browser_hash: 'null',
  created_at: 'given.at',
  updated_at: 'now()',
  price_expires_at: "now() + interval '30 days'",
  expires_at: "case when given.state <> 'expired' then now() + interval '30 days' end",
  due_at: "case when given.state <> 'expired' then now() + interval '30 days' end",
}

async function findColumns(db: Db): Promise<string[]> {
  const { rows } = await sql<{ columnName: string }>`
    select column_name from information_schema.columns
     where table_schema = 'public' and table_name = 'payments' and is_generated = 'NEVER'`.execute(db)
  return rows.map(({ columnName }) => columnName)
}

/** The id of the payment at that place of the list: as scattered as those that the program gives. */
export const paymentIdOf = (seed: number, place: number): string =>
  sha256(`payment ${seed} ${place}`).toString('hex').slice(0, ID_LENGTH)

async function putCustomers(
  { db, secrets }: Needs,
  names: readonly CustomerName[],
  from: string,
): Promise<number[]> {
  const keys = names.map(() => secrets.newCustomerKey())
  const sealed = names.map((name, place) =>
    sealData(secrets, keys[place]!, {
      ...NOTHING_KNOWN,
      ...('company' in name
        ? { company_name: name.company }
        : { name: name.given, last_name: name.surnames }),
      bank_account: null,
      bank_name: null,
    }),
  )
  const emails = names.map((_, place) => sha256(`invented ${from} ${place}`))
  const { rows } = await sql<{ id: number }>`
    insert into customers (integration_id, uuid, type, key_wrapped, personal_sealed, email_index, country, language,
                           kyc_status, kyc_level, kyc_updated_at, created_at, updated_at)
    select 1, gen_random_uuid(), kind, key, sealed, email, 'ES', 'es', 'valid', 'basic', now(), now(), now()
      from unnest(${names.map((name) => ('company' in name ? 'company' : 'individual'))}::text[], ${keys}::bytea[],
                  ${sealed}::bytea[], ${emails}::bytea[]) with ordinality given (kind, key, sealed, email, place)
     order by place
    returning id`.execute(db)
  return rows.map(({ id }) => id)
}

/** As the bank tells of it. */
export const bankLineOf = (line: InventedLine, iban: string): BankLine => ({
  ref: line.ref,
  iban,
  bookedAt: line.bookedAt,
  valueDate: line.bookedAt.toISOString().slice(0, 10),
  direction: 'credit',
  units: line.units,
  balanceUnits: 0n,
  currency: 'EUR',
  counterpartyName: line.counterpartyName,
  counterpartyIban: line.counterpartyIban,
  concept: line.concept,
  endToEndId: line.endToEndId,
  transferRef: line.transferRef,
  returnCode: line.returnCode,
  returnText: null,
})

type LaneNeeds = Parameters<typeof recordBankLines>[0]

const STATEMENT_LINES = 1_000

/** Records the lines as a bank tells of them, a statement at a time, and works each off before the next. */
export async function receiveLines(
  app: LaneNeeds,
  { lines }: Pick<InventedLines, 'lines'>,
  { iban, matchSome }: { iban: string; matchSome: () => Promise<number> },
): Promise<void> {
  for (let at = 0; at < lines.length; at += STATEMENT_LINES) {
    await recordBankLines(
      app,
      lines.slice(at, at + STATEMENT_LINES).map((line) => bankLineOf(line, iban)),
    )
    while ((await matchSome()) > 0);
  }
}

export interface FaultFigures {
  lines: number
  /** Of these a person could know the payment. */
  known: number
  /** Of those, how many were matched to it without a person. */
  matched: number
  /** Matched to another payment, or to one where none is right. */
  wrong: number
  /** Of those that were not matched, how many have the right payment proposed. */
  proposed: number
}

/** Compares what was matched with what is right, fault by fault. `wrong` are the references of lines matched wrongly. */
export async function judgeMatches(
  db: Db,
  { seed, lines }: Pick<InventedLines, 'seed' | 'lines'>,
): Promise<{ byFault: Map<string, FaultFigures>; wrong: string[] }> {
  const { rows } = await sql<{ bankRef: string; matched: string[]; proposed: string[] }>`
    select bank_ref,
           array(select payment_id from bank_matches matches
                  where matches.iban = lines.iban and matches.transaction_id = lines.id and units > 0) as matched,
           array(select payment_id from bank_suggestions suggestions
                  where suggestions.iban = lines.iban and suggestions.transaction_id = lines.id) as proposed
      from bank_transactions lines where direction = 'credit'`.execute(db)
  const outcomes = new Map(rows.map((row) => [row.bankRef, row]))
  const byFault = new Map<string, FaultFigures>()
  const wrong: string[] = []
  for (const line of lines) {
    const { matched, proposed } = outcomes.get(line.ref)!
    const figures = byFault.get(line.fault) ?? { lines: 0, known: 0, matched: 0, wrong: 0, proposed: 0 }
    byFault.set(line.fault, figures)
    figures.lines += 1
    const right =
      typeof line.label === 'object'
        ? line.label.payments.map((place) => paymentIdOf(seed, place)).sort()
        : []
    const isRight = matched.length > 0 && matched.sort().join() === right.join()
    if (matched.length > 0 && !isRight) {
      figures.wrong += 1
      wrong.push(line.ref)
    }
    if (typeof line.label !== 'object' || !line.label.known) continue
    figures.known += 1
    if (isRight) figures.matched += 1
    else if (right.every((id) => proposed.includes(id))) figures.proposed += 1
  }
  return { byFault, wrong }
}
