import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { sql } from 'kysely'
import { bankLineLane } from '../src/bank-accounts/match-lines.ts'
import { inventBankLines } from './support/bank-lines-generator.ts'
import { putPayments, receiveLines } from './support/matching-world.ts'
import type { PaymentWorld } from './support/payments.ts'
import { startTemplateWorld } from './support/template-world.ts'

const SEED = 5
const LINES = 1_500

describe('many lines at once', () => {
  let t: PaymentWorld
  let iban: string
  before(async () => {
    const world = await startTemplateWorld()
    t = world.t
    iban = world.iban
    const invented = inventBankLines(SEED, LINES, t.app.clock.now())
    await putPayments(t.app, invented, world)
    await receiveLines(t.app, invented, { iban, matchSome: async () => 0 })
  })
  after(() => t.stop())

  it('wait for no payment that somebody else has, and get it once it is free', async () => {
    const lane = bankLineLane(t.app)
    const countOf = async (state: string): Promise<number> => {
      const { rows } = await sql<{ count: number }>`
        select count(*)::integer as count from bank_transactions where iban = ${iban} and state = ${state}`.execute(
        t.app.db,
      )
      return rows[0]!.count
    }
    await t.app.db.transaction().execute(async (trx) => {
      await sql`select from payments where account_iban = ${iban} for update`.execute(trx)
      assert.ok((await lane.step()) > 0)
      assert.equal(await countOf('matched'), 0)
    })
    while ((await lane.step()) > 0);
    assert.ok((await countOf('matched')) > LINES * 0.9)
  })

  it('are of an account and an import that exist, and neither is ever deleted', async () => {
    const copyWith = (column: string) =>
      sql`
        insert into bank_transactions (iban, id, bank_ref, booked_at, value_date, direction, units, currency,
                                       counterparty_sealed, concept, booked_on, state, created_at, import_id)
        select ${column === 'iban' ? sql`'ES0000'` : sql`iban`}, id || 'x', bank_ref || 'x', booked_at, value_date,
               direction, units, currency, counterparty_sealed, concept, booked_on, 'unmatched', created_at,
               ${column === 'import_id' ? sql`'imp_none'` : sql`null`}
          from bank_transactions where direction = 'credit' limit 2`.execute(t.app.db)
    await assert.rejects(copyWith('iban'), /account ES0000 does not exist/)
    await assert.rejects(copyWith('import_id'), /import imp_none does not exist/)
    for (const table of ['bank_accounts', 'statement_imports']) {
      await assert.rejects(sql`delete from ${sql.table(table)}`.execute(t.app.db), /are never deleted/)
    }
  })

  it('are matched to payments that exist, and neither a match nor its payment becomes another', async () => {
    const copyWith = (column: string) =>
      sql`
        insert into bank_matches (iban, transaction_id, integration_id, payment_id, units, matched_by, booked_at, created_at)
        select iban, ${column === 'transaction_id' ? sql`'none'` : sql`transaction_id`}, integration_id,
               ${column === 'payment_id' ? sql`'none'` : sql`payment_id`}, 0, matched_by, booked_at, created_at
          from bank_matches limit 2`.execute(t.app.db)
    await assert.rejects(copyWith('transaction_id'), /line none of \w+ does not exist/)
    await assert.rejects(copyWith('payment_id'), /payment none of integration 1 does not exist/)
    await assert.rejects(
      sql`update bank_matches set payment_id = payment_id || 'x'`.execute(t.app.db),
      /are never given to others/,
    )
    await assert.rejects(sql`delete from payments`.execute(t.app.db), /are never deleted/)
  })
})
