import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { BankLine } from '../providers/bank/port.ts'

/** How the reason of a debit begins that took the money of an order a second time. */
export const TAKEN_AGAIN = 'debit:again:'

/** How a line that the bank's interface tells is known among others. */
export const lineName = ({ iban, ref }: Pick<BankLine, 'iban' | 'ref'>): string => `${iban} ${ref}`

/**
 * Of debits that name an order of ours those whose order another line took before, in the books or among these: by
 * `lineName`, the effect. Their orders are locked, so that of two lines that are told at once one is the second. An
 * order that was given up is another matter, see unexpected-debits.ts.
 */
export async function findTakenAgain(trx: Trx, debits: readonly BankLine[]): Promise<Map<string, string>> {
  const again = new Map<string, string>()
  if (debits.length === 0) return again
  const given = sql`
    unnest(${debits.map(({ iban }) => iban)}::text[], ${debits.map(({ ref }) => ref)}::text[],
           ${debits.map(({ transferRef }) => transferRef)}::text[],
           ${debits.map(({ endToEndId }) => endToEndId)}::text[])
      with ordinality given (iban, ref, transfer_ref, end_to_end_id, place)
      join effects e on e.kind = 'bank_transfer' and e.door = 'bank:' || given.iban and e.state <> 'cancelled'
       and (e.idempotency_key in (given.end_to_end_id, given.transfer_ref) or e.provider_ref = given.transfer_ref)`
  await sql`select from ${given} order by e.id for update of e`.execute(trx)
  // By a question of its own, which sees what was recorded while the locks were waited for.
  const { rows } = await sql<{ iban: string; ref: string; effect: string; taken: boolean }>`
    select given.iban, given.ref, e.id as effect,
           exists (select from bank_transactions t
                    where t.iban = given.iban and t.direction = 'debit' and t.bank_ref <> given.ref
                      and t.transfer_ref in (given.transfer_ref, e.provider_ref, e.idempotency_key))
           or exists (select from file_orders o
                       where o.idempotency_key = e.idempotency_key and o.iban = given.iban
                         and o.state in ('booked', 'returned')) as taken
      from ${given} order by given.place`.execute(trx)
  const first = new Map<string, string>()
  for (const { effect, taken, ...line } of rows) {
    const isFirst = !taken && (first.get(effect) ?? line.ref) === line.ref
    if (isFirst) first.set(effect, line.ref)
    else again.set(lineName(line), effect)
  }
  return again
}

/** Somebody may have been paid twice: it is in the log, and `/readyz` names the line until a person has settled it. */
export function tellOfTakenAgain(
  { log }: Pick<App, 'log'>,
  line: BankLine,
  again: ReadonlyMap<string, string>,
): void {
  log.error(
    { iban: line.iban, line: line.ref, effect: again.get(lineName(line)) },
    'The bank took the money of an order a second time; it waits in suspense.',
  )
}
