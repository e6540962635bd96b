import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { createMetrics } from '../kernel/metrics.ts'
import { type EffectsWorld, openEffectsWorld, somebody } from './fixture.ts'
import { findWaitingMoney, measureMoneyOut } from './health.ts'
import { listEffects } from './list-effects.ts'
import { pauseDoors, resolveDoor, resumeDoors } from './operate-doors.ts'
import { cancelEffect, confirmEffect, RefusedOperation, retryEffect } from './operate-effects.ts'

const CHANGE = { who: 'operator', why: 'test' }
let w: EffectsWorld
before(async () => {
  w = await openEffectsWorld()
})
after(() => w.close())
beforeEach(async () => {
  await w.needs.db.deleteFrom('effects').execute()
  await w.needs.db.deleteFrom('doors').execute()
})

const refuses = (work: Promise<unknown>, why: RegExp) =>
  assert.rejects(work, (error) => error instanceof RefusedOperation && why.test(error.message))

test('effects are listed newest first, page by page, with how far their transaction is', async () => {
  const ids = await w.plan(
    [1, 2, 3, 4, 5].map((number) => ({ to: somebody(number), units: 1n, symbol: 'ETH' })),
  )
  const first = await listEffects(w.needs.db, { limit: 2 })
  const second = await listEffects(w.needs.db, { limit: 2, after: first[1]! })
  assert.deepEqual(
    [...first, ...second].map(({ id }) => id),
    ids.toReversed().slice(0, 4),
  )
  await w.reserve()
  await w.prepare()
  const [one] = await listEffects(w.needs.db, { reference: `test:${ids[0]}`, limit: 9 })
  assert.deepEqual([one!.state, one!.attempts], ['prepared', 1])
  const count = async (filter: Omit<Parameters<typeof listEffects>[1], 'limit'>) =>
    (await listEffects(w.needs.db, { ...filter, limit: 99 })).length
  assert.deepEqual(
    await Promise.all([
      count({ state: 'open' }),
      count({ state: 'parked' }),
      count({ kind: 'card_refund' }),
      count({ door: w.door, kind: 'coin_transfer', state: 'reserved' }),
    ]),
    [5, 0, 0, 5],
  )
  await w.drain()
})

test('paused by a person, resumed by a person, both recorded', async () => {
  const [id] = await w.plan([{ to: somebody(1), units: 1n }])
  assert.deepEqual(await pauseDoors(w.needs, 'dispatch', { who: 'ana', why: 'a strange price' }), [w.door])
  assert.equal(await w.reserve(), 0)
  assert.deepEqual(
    (await findWaitingMoney(w.needs.db)).map(({ what, why }) => [what, why]),
    [[`door ${w.door}`, 'It was paused by ana: a strange price']],
  )
  await resumeDoors(w.needs, { door: w.door }, CHANGE)
  assert.equal(await w.reserve(), 1)
  assert.equal((await w.effect(id!)).state, 'reserved')
  const audited = await w.needs.db
    .selectFrom('auditLog')
    .select(['action', 'who'])
    .where('target', '=', w.door)
    .where('action', 'like', 'door.%')
    .orderBy('id')
    .execute()
  assert.deepEqual(audited, [
    { action: 'door.pause', who: 'ana' },
    { action: 'door.resume', who: 'operator' },
  ])
  await w.drain()
})

test('what makes no sense is refused with a reason', async () => {
  const [id] = await w.plan([{ to: somebody(1), units: 1n }])
  await refuses(retryEffect(w.needs, 'nothing', CHANGE), /no effect nothing/)
  await refuses(cancelEffect(w.needs, id!, { become: 'planned', ...CHANGE }), /effects retry/)
  await refuses(confirmEffect(w.needs, id!, '0x12', CHANGE), /not the hash/)
  await refuses(confirmEffect(w.needs, id!, `0x${'12'.repeat(32)}`, CHANGE), /no successful transaction/)
  await refuses(resolveDoor(w.needs, w.door, CHANGE), /not halted/)
  await refuses(resolveDoor(w.needs, 'bank:ES12', CHANGE), /not a wallet/)
  await refuses(pauseDoors(w.needs, { door: 'wallet:x:y' }, CHANGE), /no such door/)
  await w.drain()
  await refuses(retryEffect(w.needs, id!, CHANGE), /is confirmed/)
  await refuses(cancelEffect(w.needs, id!, { become: 'cancelled', ...CHANGE }), /is confirmed/)
})

test('an effect that can not be read, or has no contract, holds up nobody', async () => {
  const [unreadable, strange, good] = await w.plan(
    [1, 2, 3].map((number) => ({ to: somebody(number), units: 1n })),
  )
  await w.needs.db
    .updateTable('effects')
    .set({ destinationSealed: Buffer.alloc(40) })
    .where('id', '=', unreadable!)
    .execute()
  await w.needs.db.updateTable('effects').set({ asset: 'polygon:DAI' }).where('id', '=', strange!).execute()
  assert.equal(await w.reserve(), 1)
  assert.match((await w.effect(unreadable!)).reason!, /^unreadable/)
  assert.match((await w.effect(strange!)).reason!, /^no_contract/)
  assert.equal((await w.effect(good!)).state, 'reserved')
})

test('a short wallet and what is open are seen from outside', async () => {
  await w.plan([{ to: somebody(1), units: 10n ** 30n }])
  await w.reserve()
  assert.match((await findWaitingMoney(w.needs.db))[0]!.why, /1 transfers of polygon:USDC wait: coins_short/)
  const metrics = createMetrics()
  await measureMoneyOut(w.needs.db, metrics)
  const text = await metrics.registry.metrics()
  assert.match(text, new RegExp(`effects_open\\{door="${w.door}",state="planned"\\} 1`))
  assert.match(text, new RegExp(`wallet_balance\\{wallet="${w.door}",asset="polygon:USDC"\\} 99999999\\.`))
})
