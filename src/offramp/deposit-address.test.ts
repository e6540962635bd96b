import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import pg from 'pg'
import { eventually } from '../../test/support/app.ts'
import { createTestDatabase } from '../../test/support/database.ts'
import { type Db, openDatabase } from '../db/database.ts'
import { createMnemonicCustody } from '../providers/custody/local-mnemonic.ts'
import { TEST_MNEMONIC } from '../sandbox/chain/fixture.ts'
import { type DepositPlace, depositKeyRef, openDepositAddresses } from './deposit-address.ts'
import { takeDepositPlace } from './sale-store.ts'

const open = (url: string) => openDatabase({ url, poolSize: 2, onPoolError: () => {} }).db

const take = async (db: Db, count: number): Promise<DepositPlace[]> => {
  const places = []
  for (let taken = 0; taken < count; taken += 1)
    places.push(await db.transaction().execute((trx) => takeDepositPlace(trx)))
  return places
}

test('each place has the address of its key', async () => {
  const custody = createMnemonicCustody(TEST_MNEMONIC)
  const addressAt = await openDepositAddresses(custody)
  const places = [
    { second: 0, index: 1 },
    { second: 217_000_000, index: 1 },
    { second: 217_000_000, index: 2 },
    { second: 0, index: 1 },
  ]
  const addresses = places.map(addressAt)
  assert.deepEqual(addresses, await Promise.all(places.map((place) => custody.address(depositKeyRef(place)))))
  assert.equal(new Set(addresses).size, 3)
})

test('a database that was put back to an old snapshot gives no address twice', async () => {
  const database = await createTestDatabase()
  const { pathname } = new URL(database.url)
  const name = pathname.slice(1)
  const admin = new pg.Client({ connectionString: database.url.replace(pathname, '/postgres') })
  await admin.connect()
  const addressAt = await openDepositAddresses(createMnemonicCustody(TEST_MNEMONIC))
  try {
    const before = open(database.url)
    const first = await take(before, 3)
    await before.destroy()
    await admin.query(`create database "${name}_snapshot" template "${name}"`)
    const lost = open(database.url)
    const later = await take(lost, 20)
    await lost.destroy()
    await admin.query(`drop database "${name}"`)
    await admin.query(`create database "${name}" template "${name}_snapshot"`)
    const back = open(database.url)
    const last = later.at(-1)!.second
    // No server is put back within the second in which it still gave addresses out.
    await eventually('the next second', async () => {
      const { rows } = await sql<{ second: number }>`
        select floor(extract(epoch from clock_timestamp() - '2020-01-01Z'::timestamptz))::integer as second`.execute(
        back,
      )
      return rows[0]!.second > last ? true : undefined
    })
    const again = await take(back, 20)
    await back.destroy()
    assert.deepEqual(
      again.map(({ index }) => index),
      later.map(({ index }) => index),
    )
    const all = [...first, ...later, ...again].map(addressAt)
    assert.equal(new Set(all).size, 43)
  } finally {
    await admin.query(`drop database if exists "${name}_snapshot"`)
    await admin.end()
    await database.drop()
  }
})
