import { sql } from 'kysely'
import type { App } from '../../app.ts'
import { recordAudit } from '../../common/integration-store.ts'
import type { Trx } from '../../db/database.ts'
import { type Change, RefusedOperation } from '../../effects/operate-effects.ts'
import type { BookingNeeds, Doubt } from '../book-doubts.ts'
import { PAYER_NEWS_LANE } from '../complete-payers.ts'
import { lockBooks } from '../lock-books.ts'
import { BANK_LINE_LANE } from '../record-lines.ts'
import { reopenDoubts } from '../reopen-doubts.ts'
import { settleReversals } from '../reversals/settle-reversals.ts'
import { areNew, divide, lockSum, sumsOf } from './divide-sums.ts'
import { mayBePart, maybeSum, transfersOf } from './sum-names.ts'

/** Of a row `d` of doubts: the row `t` of the books fits as the sum of the transfers that it was told with. */
const fits = sql<boolean>`
  exists (select from statement_batches b
           where b.import_id = d.import_id and b.position = d.position and d.number = any(b.numbers)
             and cardinality(b.numbers) > 1 and t.booked_on = b.booked_on and t.direction = b.direction
             and t.units = b.units and t.part_of is null and t.state <> 'divided'
             and case when ${transfersOf} is null then t.payer_index is null and t.end_to_end_id is null
                      else ${transfersOf} = cardinality(b.numbers) end
             -- A source tells of no money twice.
             and not exists (select from statement_lines s
                              where s.iban = t.iban and s.transaction_id = t.id and s.import_id = d.import_id
                                and s.position = d.position))`

/** The lines of the books that fit as the sum of the transfers with which a doubt was told: day, amount and number. */
export async function findFittingSums(trx: Trx, { iban, id }: Pick<Doubt, 'iban' | 'id'>): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select t.id from bank_doubts d join bank_transactions t on t.iban = d.iban and t.booked_on = d.booked_on
     where d.iban = ${iban} and d.id = ${id} and d.reason = 'batch' and ${fits} order by t.id`.execute(trx)
  return rows.map((row) => row.id)
}

/**
 * The lines of the books that fit as the transfers of the sum that a doubt may be: those of an entry of its amount, and
 * those that name its batch. Each list is of one sum; one of its lines tells it from the others.
 */
export async function findFittingTransfers(
  trx: Trx,
  { iban, id }: Pick<Doubt, 'iban' | 'id'>,
): Promise<string[][]> {
  const { rows } = await sql<{ ids: string[] }>`
    with sum as (
      select d.*, array(select ref from statement_batches own cross join unnest(own.refs) ref
                         where own.import_id = d.import_id and own.position = d.position and own.entry = d.number
                           and cardinality(own.numbers) = 1 and ${maybeSum('own')} and not starts_with(ref, 'entry:')) as refs
        from bank_doubts d where d.iban = ${iban} and d.id = ${id} and d.reason = 'batch')
    select array_agg(distinct t.id) as ids
      from sum join statement_batches b
        on b.iban = sum.iban and b.booked_on = sum.booked_on and b.direction = sum.direction
           and case when cardinality(b.numbers) > 1 then b.units = sum.units
                    else b.units < sum.units and ${mayBePart('b')} and b.refs && sum.refs end
      join statement_lines s on s.import_id = b.import_id and s.position = b.position and s.number = any(b.numbers)
      join bank_transactions t on t.iban = s.iban and t.id = s.transaction_id and t.part_of is null
     -- A source tells of no money twice.
     where not exists (select from statement_lines beside
                        where beside.iban = t.iban and beside.transaction_id = t.id
                          and beside.import_id = sum.import_id and beside.position = sum.position)
       and (sum.told_by <> 'port' or (t.import_id is not null and not exists (
             select from bank_line_refs r where r.iban = t.iban and r.transaction_id = t.id)))
     group by case when cardinality(b.numbers) > 1 then b.import_id || '/' || b.position || '/' || b.entry else '' end
     order by 1`.execute(trx)
  return rows.map(({ ids }) => ids)
}

/** Open doubts that may be transfers of a line of the books; by them nobody knows yet whose its money is. */
export async function findOpenParts(trx: Trx, { iban, id }: { iban: string; id: string }): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select d.id from bank_transactions t join bank_doubts d
        on d.iban = t.iban and d.booked_on = t.booked_on and d.direction = t.direction and d.units < t.units
     where t.iban = ${iban} and t.id = ${id} and d.state = 'open' and d.reason = 'batch'
       and (${fits} or t.id in (${sumsOf})) order by d.number, d.id limit 20`.execute(trx)
  return rows.map((row) => row.id)
}

/**
 * A person found out that doubts are the transfers of a sum that is in the books: it is divided as if its name had told it.
 * They are all of them, come to the same, and nobody has done anything with the sum. Throws `RefusedOperation` otherwise.
 */
export async function decideParts(
  app: BookingNeeds & Pick<App, 'db'>,
  ids: readonly string[],
  sum: string,
  { who, why }: Change,
): Promise<void> {
  const after = await app.db.transaction().execute(async (trx) => {
    await lockBooks(trx, 'alone')
    const now = app.clock.now()
    const doubts = await trx
      .selectFrom('bankDoubts')
      .selectAll()
      .where('id', 'in', [...ids])
      .where('state', 'in', ['open', 'dismissed'])
      .orderBy('number')
      .forUpdate()
      .execute()
    for (const id of ids) {
      if (doubts.some((one) => one.id === id)) continue
      throw new RefusedOperation(`There is no open doubt ${id}. "bank doubts" shows them.`)
    }
    const [{ iban, currency }] = doubts as [Doubt]
    await checkSum(trx, doubts, sum)
    await reopenDoubts(trx, doubts)
    if (!(await areNew(app, trx, { sum, doubts }))) {
      const text = 'One of them may be a line of the books: decide that one first, with --same <line>.'
      throw new RefusedOperation(text)
    }
    const divided = await divide(app, trx, { iban, currency }, { sum, doubts })
    for (const { id, state, decidedAt } of doubts) {
      const target = `bank-doubt:${iban}:${id}`
      await recordAudit(trx, now, {
        who,
        why,
        action: 'bank-doubt.decide',
        target,
        before: { state, decidedAt },
        after: { is: 'part', of: sum },
      })
    }
    const reversed = await settleReversals(app, trx, iban)
    return () => {
      divided()
      reversed()
    }
  })
  after()
  app.wake(BANK_LINE_LANE, PAYER_NEWS_LANE, 'payouts')
}

async function checkSum(trx: Trx, doubts: readonly Doubt[], sum: string): Promise<void> {
  const [first] = doubts as [Doubt]
  const isOne = doubts.every(
    ({ iban, bookedOn, direction }) =>
      iban === first.iban && bookedOn === first.bookedOn && direction === first.direction,
  )
  if (!isOne) throw new RefusedOperation('They are not all of one account, day and direction.')
  const ids = doubts.map(({ id }) => id)
  const { rows } = await sql<{ units: bigint; beside: boolean }>`
    select t.units,
           exists (select from statement_lines s join bank_doubts d using (iban, import_id, position)
                    where s.iban = t.iban and s.transaction_id = t.id and d.id = any(${ids}::text[])) as beside
      from bank_transactions t
     where t.iban = ${first.iban} and t.id = ${sum} and t.booked_on = ${first.bookedOn}::date
       and t.direction = ${first.direction} and t.part_of is null and t.state <> 'divided'`.execute(trx)
  const [line] = rows
  if (!line) {
    throw new RefusedOperation(`${sum} is no undivided line of ${first.iban} of that day and direction.`)
  }
  if (line.beside) {
    throw new RefusedOperation(`The same statement tells of ${sum} and of one of them: they are other money.`)
  }
  if (doubts.reduce((total, { units }) => total + units, 0n) !== line.units) {
    throw new RefusedOperation(
      `They don’t come to what ${sum} moved. Name all of its transfers, and no others.`,
    )
  }
  if (!(await lockSum(trx, first.iban, sum))) {
    throw new RefusedOperation(
      `${sum} is matched, or goes back. Undo that first, or dismiss the doubts: its money is in the books.`,
    )
  }
}
