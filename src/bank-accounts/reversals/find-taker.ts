import { type RawBuilder, sql } from 'kysely'
import type { Db, Trx } from '../../db/database.ts'

/** The bank may have taken the credit `t` back: nobody is given it before that is decided. */
export const isHeld: RawBuilder<boolean> = sql<boolean>`
  exists (select from bank_doubts taker
           where taker.iban = t.iban and taker.reverses = t.id and taker.state = 'open')`

/** Says of a credit that the bank took it back, or may have, as the rest of a sentence; null: nobody told so. */
export async function findTaker(db: Db | Trx, iban: string, credit: string): Promise<string | null> {
  const { rows } = await sql<{ id: string; isDoubt: boolean }>`
    select id, false as is_doubt from bank_transactions where iban = ${iban} and reverses = ${credit}
     union all
    select id, true from bank_doubts where iban = ${iban} and reverses = ${credit} and state = 'open'
     limit 1`.execute(db)
  const [taker] = rows
  if (!taker) return null
  return taker.isDoubt
    ? `may have been taken back by the bank: "bank doubts" shows ${taker.id}, which is to be decided first.`
    : `was taken back by the bank (line ${taker.id}).`
}
