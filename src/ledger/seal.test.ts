import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type pg from 'pg'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { type Db, openDatabase } from '../db/database.ts'
import { createSecrets } from '../kernel/secrets.ts'
import { balanceOf, book, bookAll, type Journal } from './book.ts'
import { sealLane } from './seal.ts'
import { verifyBooks } from './verify.ts'

let database: TestDatabase
let db: Db
let pool: pg.Pool
const secrets = createSecrets(Buffer.alloc(32, 3))

before(async () => {
  database = await createTestDatabase()
  ;({ db, pool } = openDatabase({ url: database.url, poolSize: 6, onPoolError: () => {} }))
})
after(async () => {
  await db.destroy()
  await database.drop()
})

/** Works on the rows themselves, as somebody who has got hold of the database could. */
async function tamper(sql: string): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query(`begin; set local session_replication_role = replica; ${sql}; commit`)
  } finally {
    client.release()
  }
}

beforeEach(() =>
  tamper(
    'truncate journals, postings, journal_seals, unsealed_journals, balance_checkpoints restart identity',
  ),
)

const journal = (n: number, units = 100n): Journal => ({
  kind: 'treasury',
  purpose: `treasury:${n}`,
  integrationId: null,
  reference: `ref ${n}`,
  at: new Date(Date.UTC(2026, 5, 26, 10, 30, 0, n % 1000)),
  postings: [
    { account: 'wallet:polygon:0x1', asset: 'polygon:USDC', units },
    { account: 'equity:treasury', asset: 'polygon:USDC', units: -units },
  ],
})

const bookMany = (from: number, count: number) =>
  db.transaction().execute((trx) =>
    bookAll(
      trx,
      Array.from({ length: count }, (_, n) => journal(from + n)),
    ),
  )

async function sealAll(): Promise<number> {
  const lane = sealLane({ db, secrets })
  let sealed = 0
  for (let moved = -1; moved !== 0; sealed += moved) moved = await lane.step()
  return sealed + 0
}

const problems = async () => (await verifyBooks({ db, secrets })).problems

/** The places that the verification names. */
const named = async () => (await problems()).map(({ where }) => where)

test('booked journals are sealed in batches, and the books verify', async () => {
  await bookMany(1, 700)
  assert.equal(await sealAll(), 700)
  assert.equal(await sealAll(), 0)
  await bookMany(701, 3)
  const { problems: none, journals, head } = await verifyBooks({ db, secrets })
  assert.deepEqual(none, [])
  assert.equal(journals, 703)
  assert.equal(head?.position, 700)
  assert.match(head!.hash, /^[0-9a-f]{64}$/)
})

test('journals of transactions that commit out of order are all sealed', async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const { promise: written, resolve: wrote } = Promise.withResolvers<void>()
  const slow = db.transaction().execute(async (trx) => {
    await book(trx, journal(1))
    wrote()
    await released
  })
  await written
  await bookMany(2, 5)
  assert.equal(await sealAll(), 5)
  release()
  await slow
  assert.equal(await sealAll(), 1)
  assert.deepEqual(await problems(), [])
})

test('several sealers at once make one chain', async () => {
  await bookMany(1, 1_200)
  const lanes = Array.from({ length: 4 }, () => sealLane({ db, secrets }))
  let sealed = 0
  while (sealed < 1_200) {
    for (const moved of await Promise.all(lanes.map((lane) => lane.step()))) sealed += moved
  }
  assert.equal(sealed, 1_200)
  assert.deepEqual(await problems(), [])
})

test('a balance is the same before, while and after its journals are sealed', async () => {
  const balance = () => balanceOf(db, 'wallet:polygon:0x1', 'polygon:USDC')
  await bookMany(1, 600)
  assert.equal(await balance(), 60_000n)
  const lane = sealLane({ db, secrets })
  assert.equal(await lane.step(), 500)
  assert.equal(await balance(), 60_000n)
  await bookMany(601, 10)
  await lane.step()
  assert.equal(await balance(), 61_000n)
  const checkpoint = await db
    .selectFrom('balanceCheckpoints')
    .select(['units', 'position'])
    .where('account', '=', 'wallet:polygon:0x1')
    .executeTakeFirstOrThrow()
  assert.deepEqual(checkpoint, { units: 61_000n, position: 610 })
  assert.equal(await balanceOf(db, 'wallet:polygon:0x2', 'polygon:USDC'), 0n)
})

test('the ledger refuses changes and journals that do not sum to zero', async () => {
  await bookMany(1, 1)
  for (const sql of [
    'update postings set units = units + 1',
    'delete from postings',
    "update journals set kind = 'x'",
    'delete from journals',
    'truncate postings',
  ]) {
    await assert.rejects(pool.query(sql), /append-only/, sql)
  }
  const insert = `insert into postings (journal_id, line, account, asset, units) values (1, 7, 'a', 'EUR', 5)`
  await assert.rejects(pool.query(insert), /does not sum to zero/)
  const ofNone = `insert into postings (journal_id, line, account, asset, units)
                  values (999, 0, 'a', 'EUR', 5), (999, 1, 'b', 'EUR', -5)`
  await assert.rejects(pool.query(ofNone), /journal 999 of an entry does not exist/)
})

const TAMPERINGS: { what: string; sql: string; names: string[]; says: RegExp }[] = [
  {
    what: 'an amount moved from one account to another',
    sql: `update postings set account = 'wallet:polygon:0xbad' where journal_id = 17 and line = 0`,
    names: ['journal 17, line 0'],
    says: /was changed: it now says wallet:polygon:0xbad/,
  },
  {
    what: 'an amount changed on both sides, so that it still sums to zero',
    sql: 'update postings set units = units * 2 where journal_id = 17',
    names: ['journal 17, line 0', 'journal 17, line 1'],
    says: /was changed/,
  },
  {
    what: 'a pair of entries deleted',
    sql: 'delete from postings where journal_id = 17',
    names: ['journal 17, line 0', 'journal 17, line 1'],
    says: /was deleted/,
  },
  {
    what: 'entries inserted into a journal',
    sql: `insert into postings values (17, 2, 'a', 'EUR', 5), (17, 3, 'b', 'EUR', -5)`,
    names: ['journal 17, line 2', 'journal 17, line 3'],
    says: /was inserted: a 5 EUR/,
  },
  {
    what: 'what a journal is for changed',
    sql: `update journals set purpose = 'payment:x:conversion' where id = 17`,
    names: ['journal 17'],
    says: /was changed: treasury payment:x:conversion/,
  },
  {
    what: 'the time of a journal changed by a microsecond',
    sql: `update journals set at = at + interval '1 microsecond' where id = 17`,
    names: ['journal 17'],
    says: /was changed/,
  },
  {
    what: 'the reference of a journal taken away',
    sql: 'update journals set reference = null where id = 17',
    names: ['journal 17'],
    says: /was changed/,
  },
  {
    what: 'a journal deleted with its entries',
    sql: 'delete from postings where journal_id = 17; delete from journals where id = 17',
    names: ['journal 17'],
    says: /was deleted: seal 17 says that it was booked/,
  },
  {
    what: 'a journal deleted with its entries and its seal',
    sql: 'delete from postings where journal_id = 17; delete from journals where id = 17; delete from journal_seals where journal_id = 17',
    names: ['seal 17'],
    says: /was deleted: it is missing from the chain/,
  },
  {
    what: 'a journal inserted',
    sql: `insert into journals (id, kind, purpose, at) overriding system value values (9000, 'treasury', 'forged', now());
          insert into postings values (9000, 0, 'a', 'EUR', 5), (9000, 1, 'b', 'EUR', -5)`,
    names: ['journal 9000'],
    says: /was inserted: forged was neither sealed nor booked/,
  },
  {
    what: 'entries inserted for no journal',
    sql: `insert into postings values (9001, 0, 'a', 'EUR', 5), (9001, 1, 'b', 'EUR', -5)`,
    names: ['journal 9001, line 0', 'journal 9001, line 1'],
    says: /belongs to no journal/,
  },
  {
    what: 'a seal made to fit a changed journal, without the key',
    sql: `update journal_seals set header_hash = sha256('forged') where position = 17`,
    names: ['seal 17 (journal 17)', 'journal 17'],
    says: /was changed/,
  },
  {
    what: 'two journals changed places in the chain',
    sql: `update journal_seals set position = -position where position in (17, 18);
          update journal_seals set position = case position when -17 then 18 else 17 end where position < 0`,
    names: ['seal 17 (journal 18)', 'seal 18 (journal 17)', 'seal 19 (journal 19)'],
    says: /does not follow/,
  },
  {
    what: 'the end of the chain cut off with its journals',
    sql: `delete from journal_seals where position > 25;
          delete from postings where journal_id > 25; delete from journals where id > 25`,
    names: ['seal 26 to 30'],
    says: /was deleted from the end of the chain/,
  },
]

for (const { what, sql, names, says } of TAMPERINGS) {
  test(`named: ${what}`, async () => {
    await bookMany(1, 30)
    await sealAll()
    assert.deepEqual(await problems(), [])
    await tamper(sql)
    const found = (await problems()).filter(
      ({ where }) => !where.startsWith('checkpoint') && !where.startsWith('account'),
    )
    assert.deepEqual(
      found.map(({ where }) => where),
      names,
    )
    assert.ok(
      found.some((problem) => says.test(problem.what)),
      JSON.stringify(found),
    )
  })
}

test('named: a journal that does not sum to zero, one deleted before it was sealed, a changed checkpoint', async () => {
  await bookMany(1, 5)
  await sealAll()
  await tamper('update postings set units = 101 where journal_id = 2 and line = 0')
  assert.ok(
    (await problems()).some(
      ({ where, what }) => where === 'journal 2' && /sums to 1 in polygon:USDC/.test(what),
    ),
  )
  await tamper('update postings set units = 100 where journal_id = 2 and line = 0')
  assert.deepEqual(await named(), [])
  await tamper(`update balance_checkpoints set units = units + 1 where account = 'equity:treasury'`)
  assert.deepEqual(await named(), ['checkpoint of account equity:treasury (polygon:USDC)'])
  await tamper(`update balance_checkpoints set units = units - 1 where account = 'equity:treasury'`)
  await bookMany(6, 1)
  await tamper('delete from postings where journal_id = 6; delete from journals where id = 6')
  assert.equal(await sealAll(), 0)
  assert.deepEqual(await named(), ['journal 6'])
})

test('a database under another master key does not verify', async () => {
  await bookMany(1, 2)
  await sealAll()
  const { problems: found } = await verifyBooks({ db, secrets: createSecrets(Buffer.alloc(32, 4)) })
  assert.ok(found.length > 0)
})
