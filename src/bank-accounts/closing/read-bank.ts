import { sql } from 'kysely'
import type { Trx } from '../../db/database.ts'
import type { BankLine, BankProvider } from '../../providers/bank/port.ts'
import type { BankWord, DayLine } from './compare-day.ts'

const PAGE = 500

/** What the bank's interface told just now. */
export interface AskedBank {
  balanceUnits: bigint
  /** From the last line on that was read before. */
  lines: BankLine[]
}

/** Asks the bank what an account holds and what it booked since we last read. Throws `ProviderError`. */
export async function askBank(
  bank: Pick<BankProvider, 'getBalance' | 'listTransactions'>,
  { iban, statementRef }: { iban: string; statementRef: string | null },
): Promise<AskedBank> {
  const lines: BankLine[] = []
  for (let last = statementRef; ; last = lines.at(-1)!.ref) {
    const page = await bank.listTransactions(iban, last, PAGE)
    lines.push(...page)
    if (page.length < PAGE) break
  }
  const { units } = await bank.getBalance(iban)
  return { balanceUnits: units, lines }
}

/** What the bank held at the end of a day by its own list: its balance less all that it booked since. */
export async function readBank(
  trx: Trx,
  { iban, on }: { iban: string; on: string },
  { balanceUnits, lines }: AskedBank,
): Promise<BankWord> {
  const known = await findKnownRefs(trx, iban, lines)
  const unread = lines
    .filter(({ ref }) => !known.has(ref))
    .map(({ ref, bookedAt, direction, units }) => ({
      id: ref,
      on: bookedAt.toISOString().slice(0, 10),
      units: direction === 'credit' ? units : -units,
    }))
  const later = unread.filter((line) => line.on > on).reduce((sum, { units }) => sum + units, 0n)
  return {
    by: 'bank',
    units: balanceUnits - later - (await sumToldLater(trx, iban, on)),
    unread: unread.filter((line) => line.on <= on),
    untold: await findUntold(trx, iban, on),
  }
}

async function findKnownRefs(trx: Trx, iban: string, lines: readonly BankLine[]): Promise<Set<string>> {
  const refs = lines.map(({ ref }) => ref)
  const { rows } = await sql<{ ref: string }>`
    select bank_ref as ref from bank_transactions where iban = ${iban} and bank_ref = any(${refs}::text[])
    union
    select ref from bank_line_refs where iban = ${iban} and ref = any(${refs}::text[])
    union
    select bank_ref from bank_doubts where iban = ${iban} and told_by = 'port' and bank_ref = any(${refs}::text[])`.execute(
    trx,
  )
  return new Set(rows.map(({ ref }) => ref))
}

/** Of the row `t`: the bank's interface told of it, or of the sum that it is part of. */
const IS_TOLD = sql`
  (t.import_id is null
   or exists (select from bank_line_refs r where r.iban = t.iban and r.transaction_id in (t.id, t.part_of))
   or exists (select from bank_transactions sum where sum.iban = t.iban and sum.id = t.part_of and sum.import_id is null))`

const SIGNED = sql`case when t.direction = 'credit' then t.units else -t.units end`

async function sumToldLater(trx: Trx, iban: string, on: string): Promise<bigint> {
  const { rows } = await sql<{ units: bigint }>`
    select coalesce(sum(units), 0) as units from (
      select ${SIGNED} as units from bank_transactions t
       where t.iban = ${iban} and t.booked_on > ${on}::date and t.state <> 'divided' and ${IS_TOLD}
      union all
      select ${SIGNED} from bank_doubts t
       where t.iban = ${iban} and t.told_by = 'port' and t.state in ('open', 'dismissed')
         and t.booked_on > ${on}::date) told`.execute(trx)
  return rows[0]!.units
}

/** Lines that statements alone told of, since the bank's list is read. */
async function findUntold(trx: Trx, iban: string, on: string): Promise<DayLine[]> {
  const { rows } = await sql<DayLine>`
    select t.id, t.booked_on as on, ${SIGNED} as units from bank_transactions t
     where t.iban = ${iban} and t.import_id is not null and t.booked_on <= ${on}::date and t.state <> 'divided' and not ${IS_TOLD}
       and t.booked_on > (select min(booked_on) from bank_transactions
                           where iban = ${iban} and import_id is null)
     order by t.booked_on, t.id`.execute(trx)
  return rows
}
