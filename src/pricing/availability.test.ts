import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import { pino } from 'pino'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { fundHotWallets, HOT_WALLETS } from '../../test/support/hot-wallets.ts'
import type { App } from '../app.ts'
import { type Db, openDatabase } from '../db/database.ts'
import { createClock } from '../kernel/clock.ts'
import { createSecrets } from '../kernel/secrets.ts'
import { sealLane } from '../ledger/seal.ts'
import { findAsset } from '../money/asset.ts'
import { type Availability, createAvailability } from './availability.ts'

const USDC = findAsset('polygon', 'USDC')!
const BNB = findAsset('bsc', 'BNB')!
const DOOR = `wallet:polygon:${HOT_WALLETS.polygon}`

let database: TestDatabase
let db: Db
let realMs = Date.parse('2026-06-26T10:30:00Z')
const clock = createClock(() => realMs)
let availability: Availability

before(async () => {
  database = await createTestDatabase()
  db = openDatabase({ url: database.url, poolSize: 2, onPoolError: () => {} }).db
  availability = createAvailability({ db, clock, log: pino({ level: 'silent' }) })
  await fundHotWallets({ db, clock, pricing: { availability } as App['pricing'] }, 1_000n)
})
after(async () => {
  await db.destroy()
  await database.drop()
})
beforeEach(async () => {
  await sql`delete from effects`.execute(db)
  await sql`delete from doors`.execute(db)
})

async function leave(state: 'planned' | 'sent' | 'unknown' | 'confirmed' | 'cancelled', units: bigint) {
  const id = `effect-${state}`
  const now = clock.now()
  await db
    .insertInto('effects')
    .values({
      id,
      integrationId: 1,
      kind: 'coin_transfer',
      purpose: id,
      reference: id,
      door: DOOR,
      asset: USDC.id,
      units,
      account: `customer:${id}:coin`,
      destinationSealed: Buffer.alloc(0),
      state,
      idempotencyKey: id,
      createdAt: now,
      updatedAt: now,
    })
    .execute()
}

describe('what the hot wallets can give', () => {
  test('is the balance of the coin on its own chain', async () => {
    await availability.refresh()
    assert.equal(availability.freeUnits(USDC), 1_000_000_000n)
    assert.equal(availability.freeUnits(BNB), 1_000n * 10n ** 18n)
    assert.ok(availability.available(USDC, 1_000_000_000n))
    assert.ok(!availability.available(USDC, 1_000_000_001n))
    assert.equal(availability.freeUnits({ ...USDC, id: 'polygon:OTHER' }), 0n)
  })

  test('is the same before and after the ledger was sealed', async () => {
    const lane = sealLane({ db, secrets: createSecrets(Buffer.alloc(32, 7)) })
    while ((await lane.step()) > 0);
    const { count } = await db
      .selectFrom('unsealedJournals')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    assert.equal(count, 0)
    await availability.refresh()
    assert.equal(availability.freeUnits(USDC), 1_000_000_000n)
  })

  test('is less what is still to leave, and not less what left or never will', async () => {
    await leave('planned', 100_000_000n)
    await leave('sent', 10_000_000n)
    await leave('unknown', 1_000_000n)
    await leave('confirmed', 500_000_000n)
    await leave('cancelled', 500_000_000n)
    await availability.refresh()
    assert.equal(availability.freeUnits(USDC), 889_000_000n)
  })

  test('is nothing while the wallet is halted, and all again while it is only paused', async () => {
    const at = clock.now()
    await db.insertInto('doors').values({ door: DOOR, haltedAt: at, haltedReason: 'nonce' }).execute()
    await availability.refresh()
    assert.equal(availability.freeUnits(USDC), 0n)
    assert.ok(availability.freeUnits(BNB) > 0n)
    await db.updateTable('doors').set({ haltedAt: null, pausedAt: at }).execute()
    await availability.refresh()
    assert.equal(availability.freeUnits(USDC), 1_000_000_000n)
  })

  test('of several wallets the fullest counts: one transfer leaves one wallet', async () => {
    const second = '0x00000000000000000000000000000000000000a3'
    await db
      .insertInto('wallets')
      .values({ chain: 'polygon', address: second, keyRef: 'm2', role: 'hot', epoch: 1 })
      .execute()
    await availability.refresh()
    assert.equal(availability.freeUnits(USDC), 1_000_000_000n)
  })

  test('is unknown, and so nothing, once it was read too long ago', async () => {
    await availability.refresh()
    realMs += 30_000
    assert.ok(availability.available(USDC, 1n))
    realMs += 1
    assert.ok(!availability.available(USDC, 1n))
  })
})
