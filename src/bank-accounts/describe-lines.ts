import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Db } from '../db/database.ts'
import { lineReference } from './refund-line.ts'

/** A line that waits for a person, with what it may be for. */
export interface WaitingLine {
  iban: string
  id: string
  bookedAt: Date
  direction: 'credit' | 'debit'
  /** What is left of it, in base units. */
  units: bigint
  currency: string
  concept: string
  reasons: string[]
  returnCode: string | null
  /** The likeliest first. */
  suggestions: { paymentId: string; score: number; reasons: string[] }[]
}

const MOST = 200

/** Lines of which something has no owner, newest first; of one account, or with suggestions alone, where asked. */
export async function listWaitingLines(
  { db }: Pick<App, 'db'>,
  { iban, suggested = false }: { iban?: string | undefined; suggested?: boolean | undefined } = {},
): Promise<WaitingLine[]> {
  const ofAccount = iban === undefined ? sql`` : sql`and iban = ${iban}`
  const inState = suggested ? sql`and state = 'suggested'` : sql``
  return readWaiting(
    db,
    sql`matched_units < units and due_at is null and (direction = 'credit' or transfer_ref is null or state = 'unmatched')
        ${ofAccount} ${inState}`,
  )
}

async function readWaiting(db: Db, condition: ReturnType<typeof sql>): Promise<WaitingLine[]> {
  const { rows } = await sql<WaitingLine>`
    select iban, id, booked_at, direction, units - matched_units as units, currency, concept,
           match_reasons as reasons, return_code,
           coalesce((select jsonb_agg(jsonb_build_object('paymentId', payment_id, 'score', score, 'reasons', reasons)
                                      order by score desc, payment_id)
                       from bank_suggestions suggestions
                      where suggestions.iban = lines.iban and suggestions.transaction_id = lines.id), '[]') as suggestions
      from bank_transactions lines
     where ${condition}
     order by booked_at desc, id limit ${MOST}`.execute(db)
  return rows
}

/** A line with where its money went. */
export interface DescribedLine extends WaitingLine {
  matches: { paymentId: string; units: bigint; matchedBy: string; createdAt: Date }[]
  /** What goes or went back of it, in base units; `effect` is the transfer. */
  refunds: { effect: string; units: bigint; state: string; createdAt: Date }[]
  /** The orders of ours that it is the debit of, in base units: one, or those of a file that it is the sum of. */
  orders: { order: string; effect: string; reference: string; units: bigint; fileId: string | null }[]
}

/** One line, with the payments that it is matched to and what was paid back of it. */
export async function describeLine(
  { db }: Pick<App, 'db'>,
  iban: string,
  id: string,
): Promise<DescribedLine | undefined> {
  const [line] = await readWaiting(db, sql`iban = ${iban} and id = ${id}`)
  if (!line) return undefined
  const matches = await db
    .selectFrom('bankMatches')
    .select(['paymentId', 'units', 'matchedBy', 'createdAt'])
    .where('iban', '=', iban)
    .where('transactionId', '=', id)
    .where('units', '>', 0n)
    .orderBy('createdAt')
    .execute()
  const refunds = await db
    .selectFrom('effects')
    .select(['id as effect', 'units', 'state', 'createdAt'])
    .where('reference', '=', lineReference(iban, id))
    .where('state', '<>', 'cancelled')
    .orderBy('createdAt')
    .orderBy('id')
    .execute()
  const orders = await findOrdersOf(db, iban, id)
  // What an order of ours took has its owner, though no payment's money is counted on the line.
  const units = orders.length > 0 ? 0n : line.units
  return { ...line, units, matches, refunds, orders }
}

async function findOrdersOf(db: Db, iban: string, id: string): Promise<DescribedLine['orders']> {
  const { rows } = await sql<DescribedLine['orders'][number]>`
    select coalesce(o.idempotency_key, e.idempotency_key) as order, e.id as effect, e.reference, e.units, o.file_id
      from bank_transactions t
      join effects e on e.kind = 'bank_transfer' and e.door = 'bank:' || t.iban
       and (t.transfer_ref in (e.provider_ref, e.idempotency_key)
            or e.idempotency_key in (select taken.idempotency_key from order_files f
                                       join file_orders taken on taken.file_id = f.id and taken.state in ('booked', 'returned')
                                      where f.iban = t.iban and f.batch_line = t.id
                                        and not exists (select from bank_transactions own
                                                         where own.iban = t.iban and own.direction = 'debit'
                                                           and own.transfer_ref = taken.idempotency_key)))
      left join file_orders o on o.idempotency_key = e.idempotency_key
     where t.iban = ${iban} and t.id = ${id} and t.direction = 'debit' and t.state = 'matched'
     order by e.created_at, e.id`.execute(db)
  return rows
}
