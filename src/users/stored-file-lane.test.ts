import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { eventually, startTestApp, type TestApp } from '../../test/support/app.ts'
import { makePdf } from '../../test/support/documents.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { registerCustomer } from '../../test/support/kyc.ts'
import { storedFileLane } from './stored-file-lane.ts'

const DAY_MS = 86_400_000

let platform: TestApp
before(async () => {
  platform = await startTestApp({ lanes: false, localChains: false, env: NO_CHAINS })
})
after(() => platform.stop())

const files = (): string => join(platform.config.dataDir, 'files')

/** All stored files, with their paths under the storage's folder. */
function stored(): string[] {
  if (!existsSync(files())) return []
  return readdirSync(files(), { recursive: true })
    .map(String)
    .filter((name) => statSync(join(files(), name)).isFile())
    .sort()
}

const writtenAt = (name: string, time: Date): void => utimesSync(join(files(), name), time, time)
const makeOld = (name: string): void =>
  writtenAt(name, new Date(platform.app.clock.real().getTime() - DAY_MS - 60_000))

async function sweep(): Promise<void> {
  const lane = storedFileLane(platform.app)
  for (let steps = 0; (await lane.step()) > 0; steps += 1) assert.ok(steps < 100, 'a sweep has an end')
}

async function upload(customerId: number): Promise<{ error?: string; key?: string }> {
  const known = stored()
  const body = { type: 'payslip', file: makePdf(2_000).toString('base64') }
  const answer = await platform.api('POST', `/api/customers/${customerId}/documents`, { body })
  const key = stored().find((name) => !known.includes(name))
  return { error: answer.body.error, ...(key !== undefined && { key }) }
}

/** The process dies after the file was stored: for the database it is as if its commit had never come. */
async function uploadThatCrashes(customerId: number): Promise<string> {
  const { pool } = platform.app
  await pool.query(`create function die() returns trigger language plpgsql as
    $$ begin raise exception 'the machine is gone'; end $$`)
  await pool.query('create trigger die before insert on documents for each row execute function die()')
  try {
    const { error, key } = await upload(customerId)
    assert.equal(error, 'unexpected_error')
    assert.ok(key, 'the file stays, as nobody knows whether the commit was done')
    return key
  } finally {
    await pool.query('drop function die cascade')
  }
}

describe('stored files that nobody needs', () => {
  test('of a crash before the commit go after a day; what has a row stays, however old', async () => {
    const { id } = await registerCustomer(platform)
    const { key: kept } = await upload(id)
    const orphan = await uploadThatCrashes(id)
    makeOld(kept as string)
    await sweep()
    assert.deepEqual(stored(), [kept, orphan].sort(), 'too young to be sure')
    makeOld(orphan)
    await sweep()
    assert.deepEqual(stored(), [kept])
    await sweep()
    assert.deepEqual(stored(), [kept])
  })

  test('are also files of orders that took none; those that did stay', async () => {
    const { db, clock, providers } = platform.app
    const { iban } = await db.selectFrom('bankAccounts').select('iban').limit(1).executeTakeFirstOrThrow()
    const before = stored()
    for (const id of ['taken', 'stray']) await providers.storage.write(`order-files/${id}`, Buffer.from('x'))
    await db
      .insertInto('orderFiles')
      .values({
        id: 'taken',
        iban,
        format: 'pain.001.001.09',
        messageId: 'taken',
        storageKey: 'order-files/taken',
        orders: 1,
        units: 1n,
        madeBy: 'test',
        createdAt: clock.now(),
      })
      .execute()
    for (const id of ['taken', 'stray']) makeOld(join('order-files', id))
    await sweep()
    assert.deepEqual(stored(), [...before, join('order-files', 'taken')].sort())
  })

  test('wait for every transaction that is open, which may yet commit the row', async () => {
    const { id } = await registerCustomer(platform)
    const before = stored()
    const [written, orphan] = [await uploadThatCrashes(id), await uploadThatCrashes(id)]
    const client = await platform.app.pool.connect()
    try {
      await client.query('begin')
      const { rows } = await client.query<{ since: Date }>('select now() as since')
      const openSince = rows[0]?.since.getTime() ?? Number.NaN
      // More than a day old for whoever looks now, less than a day older than the transaction.
      for (const name of [written, orphan]) writtenAt(name, new Date(openSince - DAY_MS + 20))
      await eventually('both to be a day old', async () => {
        const { rows: later } = await platform.app.pool.query<{ over: boolean }>(
          'select clock_timestamp() > $1 as over',
          [new Date(openSince + 50)],
        )
        return later[0]?.over
      })
      await sweep()
      assert.deepEqual(stored(), [...before, written, orphan].sort())
      await client.query(
        `insert into documents (integration_id, id, customer_id, type, mime, bytes, sha256, storage_key, created_at)
         select integration_id, 'doc_late', id, 'payslip', 'application/pdf', 2000, '', $1, now()
           from customers where id = $2`,
        [written, id],
      )
      await client.query('commit')
    } finally {
      client.release()
    }
    await sweep()
    assert.deepEqual(stored(), [...before, written].sort())
  })

  test('of a customer who was forgotten go too, with rows or without', async () => {
    const [forgotten, deleted, other] = [
      await registerCustomer(platform),
      await registerCustomer(platform),
      await registerCustomer(platform),
    ]
    const before = stored()
    const keys: string[] = []
    for (const { id } of [forgotten, deleted, other]) keys.push((await upload(id)).key as string)
    for (const key of keys) makeOld(key)
    const { pool } = platform.app
    await pool.query('update customers set key_wrapped = null where id = $1', [forgotten.id])
    await pool.query('delete from documents where customer_id = $1', [deleted.id])
    await sweep()
    assert.deepEqual(stored(), [...before, keys[2]].sort())
  })

  test('leave alone what is named in another way, and take half-written ones along', async () => {
    const { id } = await registerCustomer(platform)
    const { key } = await upload(id)
    const before = stored()
    const foreign = ['elsewhere', 'documents/readme']
    const draft = `${key}.0123456789ab.draft`
    for (const name of [...foreign, draft]) writeFileSync(join(files(), name), 'x')
    for (const name of [...foreign, draft]) makeOld(name)
    await sweep()
    assert.deepEqual(stored(), [...before, ...foreign].sort())
  })

  test('are found among more than one batch, each look bounded', async () => {
    const before = stored()
    const { storage } = platform.app.providers
    for (let at = 0; at < 1_050; at += 1) {
      await storage.write(`documents/1/batch/file-${at}`, Buffer.from('x'))
      makeOld(`documents/1/batch/file-${at}`)
    }
    const lane = storedFileLane(platform.app)
    assert.equal(await lane.step(), 500)
    assert.equal(await lane.step(), 500)
    assert.equal(await lane.step(), 0)
    assert.deepEqual(stored(), before)
    assert.equal(await lane.nextDue(), null)
  })
})

test('the worker sweeps by itself', async () => {
  const { id } = await registerCustomer(platform)
  const orphan = await uploadThatCrashes(id)
  makeOld(orphan)
  const lane = platform.app.lanes.lanes.find(({ name }) => name === 'stored-files')
  assert.ok(lane, 'it is among the lanes')
  await lane.step()
  assert.ok(!stored().includes(orphan))
})
