import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { type Db, openDatabase } from '../db/database.ts'
import { accountKey, findPayoutAccounts } from './payout-account.ts'

let database: TestDatabase
let db: Db
const NOW = new Date(0)

before(async () => {
  database = await createTestDatabase()
  db = openDatabase({ url: database.url, poolSize: 2, onPoolError: () => {} }).db
  const integration = { settings: '{}', createdAt: NOW, updatedAt: NOW }
  await db
    .insertInto('integrations')
    .values([
      { ...integration, name: 'One' },
      { ...integration, name: 'Two' },
      { ...integration, name: 'One before the reset', detachedAt: NOW, replacedBy: 1 },
    ])
    .execute()
  const account = { bic: 'X', bankName: 'X', holderName: 'X', createdAt: NOW }
  await db
    .insertInto('bankAccounts')
    .values([
      { ...account, iban: 'ONE-EUR', integrationId: 1, currency: 'EUR' },
      { ...account, iban: 'ONE-MXN', integrationId: 1, currency: 'MXN' },
      { ...account, iban: 'ALL-EUR', integrationId: null, currency: 'EUR' },
      { ...account, iban: 'ALL-CLP', integrationId: null, currency: 'CLP' },
      { ...account, iban: 'ALL-CLP-CLOSED', integrationId: null, currency: 'CLP', status: 'closed' },
    ])
    .execute()
})
after(async () => {
  await db.destroy()
  await database.drop()
})

const choose = (integrationId: number, fiat: string) =>
  db.transaction().execute(async (trx) => {
    const found = await findPayoutAccounts(trx, [
      { integrationId, fiat },
      { integrationId, fiat },
    ])
    return found.get(accountKey({ integrationId, fiat }))
  })

const setDoor = (iban: string, closed: { pausedAt?: Date | null; haltedAt?: Date | null }) =>
  db
    .insertInto('doors')
    .values({ door: `bank:${iban}`, ...closed })
    .onConflict((conflict) => conflict.column('door').doUpdateSet(closed))
    .execute()

test("the integration's own account pays, else a shared one, never another's, never a closed one", async () => {
  assert.equal(await choose(1, 'EUR'), 'ONE-EUR')
  assert.equal(await choose(2, 'EUR'), 'ALL-EUR')
  assert.equal(await choose(1, 'CLP'), 'ALL-CLP')
  assert.equal(await choose(2, 'MXN'), undefined)
  assert.equal(await choose(1, 'COP'), undefined)
  assert.equal(await choose(3, 'EUR'), 'ONE-EUR', 'what is under way when the sandbox is reset is paid too')
})

test('one whose door is closed pays only when all are; rather one that is paused than one that is halted', async () => {
  await setDoor('ONE-EUR', { pausedAt: NOW })
  assert.equal(await choose(1, 'EUR'), 'ALL-EUR')
  await setDoor('ALL-EUR', { haltedAt: NOW })
  assert.equal(await choose(1, 'EUR'), 'ONE-EUR')
  await setDoor('ALL-EUR', { haltedAt: null, pausedAt: NOW })
  assert.equal(await choose(1, 'EUR'), 'ONE-EUR')
  await setDoor('ONE-EUR', { pausedAt: null })
  assert.equal(await choose(1, 'EUR'), 'ONE-EUR')
})
