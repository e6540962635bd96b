import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type RawBuilder, sql } from 'kysely'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { type Db, openDatabase } from '../db/database.ts'
import { balanceOf, bookAll, IS_INDEXED, sumFromCheckpoint } from './book.ts'

const JOURNALS = 3_000

let database: TestDatabase
let db: Db

before(async () => {
  database = await createTestDatabase()
  ;({ db } = openDatabase({ url: database.url, poolSize: 2, onPoolError: () => {} }))
  await db.transaction().execute((trx) =>
    bookAll(
      trx,
      Array.from({ length: JOURNALS }, (_, at) => ({
        kind: 'pay_in',
        purpose: `test:${at}`,
        integrationId: 1,
        reference: null,
        at: new Date(),
        postings: [
          { account: `customer:${at}:fiat`, asset: 'EUR', units: -150n },
          { account: 'fee:fixed', asset: 'EUR', units: 150n },
        ],
      })),
    ),
  )
  // What the planner knows is of a moment in which nothing was sealed.
  await sql`analyze postings, unsealed_journals`.execute(db)
  await sql`delete from unsealed_journals where journal_id > 3`.execute(db)
})
after(async () => {
  await db.destroy()
  await database.drop()
})

async function planOf(query: RawBuilder<unknown>): Promise<string> {
  const { rows } = await sql<Record<string, string>>`explain ${query}`.execute(db)
  return rows.flatMap((row) => Object.values(row)).join('\n')
}

test('the entries of a customer, a wallet or an account at a bank are found by their index', async () => {
  for (const account of ['customer:7:fiat', 'wallet:polygon:0x1', 'bank:ES7999990001000000000001']) {
    const plan = await planOf(sql`
      select sum(units) from postings where account = ${sql.lit(account)} and asset = 'EUR' and ${IS_INDEXED}`)
    assert.match(plan, /postings_of_account/, account)
  }
  assert.equal(await balanceOf(db, 'customer:7:fiat', 'EUR'), -150n)
})

test('what is not sealed yet is found by its journals, whatever the planner believes of how much it is', async () => {
  const plan = await planOf(sumFromCheckpoint(sql.lit('fee:fixed'), sql.lit('EUR')))
  assert.match(plan, /postings_pkey/)
  assert.doesNotMatch(plan, /Seq Scan on postings/)
  assert.equal(await balanceOf(db, 'fee:fixed', 'EUR'), 450n)
})
