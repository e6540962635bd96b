import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { pino } from 'pino'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { type Db, openDatabase } from '../db/database.ts'
import { createClock } from '../kernel/clock.ts'
import { createSecrets } from '../kernel/secrets.ts'
import type { BankProvider, BankTransfer, TransferOrder } from '../providers/bank/port.ts'
import type { CardProvider, CardRefund } from '../providers/card/port.ts'
import { createMnemonicCustody } from '../providers/custody/local-mnemonic.ts'
import { ProviderError } from '../providers/provider-error.ts'
import { TEST_MNEMONIC } from '../sandbox/chain/fixture.ts'
import { DISPATCH_DEFAULTS, type EffectNeeds, type EndedEffect } from './model.ts'
import { pauseDoors, resumeDoors } from './operate-doors.ts'
import { cancelEffect, RefusedOperation, retryEffect } from './operate-effects.ts'
import { recheckPayouts } from './payout-store.ts'
import { movePayouts } from './payouts.ts'

const CHANGE = { who: 'operator', why: 'test' }
const BANK_DOOR = 'bank:ES1200000000000000000001'
let database: TestDatabase
let db: Db
let needs: EffectNeeds
let heard: EndedEffect[]
let nowMs = Date.UTC(2030, 0, 15)

/** A bank that remembers orders by their key, as a real one does, and fails as told. */
let orders: Map<string, BankTransfer & { order: TransferOrder }>
let bankFails: { send: ProviderError | 'after' | null; find: ProviderError | null }
let sends: string[]
let refunds: Map<string, CardRefund>

before(async () => {
  database = await createTestDatabase()
  db = openDatabase({ url: database.url, poolSize: 4, onPoolError: () => {} }).db
})
after(async () => {
  await db.destroy()
  await database.drop()
})

beforeEach(async () => {
  await db.deleteFrom('effects').execute()
  await db.deleteFrom('doors').execute()
  orders = new Map()
  refunds = new Map()
  sends = []
  heard = []
  bankFails = { send: null, find: null }
  const hear = async (_trx: unknown, effects: readonly EndedEffect[]): Promise<string[]> => {
    heard.push(...effects)
    return []
  }
  const clock = createClock(() => nowMs)
  needs = {
    db,
    clock,
    log: pino({ level: 'silent' }),
    secrets: createSecrets(Buffer.alloc(32, 7)),
    custody: createMnemonicCustody(TEST_MNEMONIC),
    chains: new Map(),
    rooms: { test: { onConfirmed: hear, onFailed: hear, onSent: hear } },
    bank,
    cards: [card],
    redirects: { paypal: undefined, local: undefined },
    settings: DISPATCH_DEFAULTS,
    wake: () => {},
    sandbox: null,
  }
})

const bank = {
  name: 'bank',
  async sendTransfer(order: TransferOrder): Promise<BankTransfer> {
    sends.push(order.idempotencyKey)
    if (bankFails.send instanceof ProviderError) throw bankFails.send
    const known = orders.get(order.idempotencyKey)
    const transfer = known ?? {
      providerRef: `ref-${order.idempotencyKey}`,
      idempotencyKey: order.idempotencyKey,
      iban: order.iban,
      units: order.units,
      state: 'accepted' as const,
      reason: null,
      order,
    }
    orders.set(order.idempotencyKey, transfer)
    if (bankFails.send === 'after') throw new ProviderError('bank', 'unknown', 'no answer')
    return transfer
  },
  async findTransfer(key: string): Promise<BankTransfer | undefined> {
    if (bankFails.find) throw bankFails.find
    return orders.get(key)
  },
} as unknown as BankProvider

const card = {
  name: 'cards',
  async refund({ idempotencyKey, providerRef, units }): Promise<CardRefund> {
    const refund = {
      refundRef: `r-${idempotencyKey}`,
      providerRef,
      units,
      state: 'pending' as const,
      reason: null,
    }
    refunds.set(idempotencyKey, refund)
    return refund
  },
  findRefund: async (key) => refunds.get(key),
} as Pick<CardProvider, 'name' | 'refund' | 'findRefund'> as CardProvider

let planned = 0
async function plan(kind: 'bank_transfer' | 'card_refund' = 'bank_transfer'): Promise<string> {
  const id = `payout${++planned}`
  const destination =
    kind === 'card_refund' ? { session: 'session-1' } : { iban: 'DE1', name: 'Ana', concept: 'Refund 1' }
  await db
    .insertInto('effects')
    .values({
      id,
      integrationId: 1,
      kind,
      purpose: `test:${id}`,
      reference: `test:${id}`,
      door: kind === 'card_refund' ? 'card:cards' : BANK_DOOR,
      asset: 'EUR',
      units: 1234n,
      destinationSealed: needs.secrets.seal('effect', JSON.stringify(destination)),
      state: 'planned',
      idempotencyKey: id,
      dueAt: needs.clock.now(),
      createdAt: needs.clock.now(),
      updatedAt: needs.clock.now(),
    })
    .execute()
  return id
}

const effect = (id: string) =>
  db.selectFrom('effects').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
const states = () => heard.map(({ state }) => state)

async function move(): Promise<number> {
  nowMs += 3_700_000
  return movePayouts(needs)
}

function setOrder(id: string, change: Partial<BankTransfer>): void {
  orders.set(id, { ...orders.get(id)!, ...change })
}

test('a bank transfer is ordered with everything it needs, accepted, booked', async () => {
  const id = await plan()
  await move()
  assert.deepEqual(orders.get(id)?.order, {
    idempotencyKey: id,
    iban: 'ES1200000000000000000001',
    toIban: 'DE1',
    toName: 'Ana',
    units: 1234n,
    currency: 'EUR',
    concept: 'Refund 1',
    endToEndId: id,
  })
  assert.deepEqual([(await effect(id)).state, (await effect(id)).providerRef], ['sent', `ref-${id}`])
  await move()
  assert.equal((await effect(id)).state, 'sent')
  setOrder(id, { state: 'booked' })
  await move()
  assert.equal((await effect(id)).state, 'confirmed')
  assert.deepEqual(states(), ['sent', 'confirmed'])
  assert.equal(await move(), 0)
  assert.deepEqual(sends, [id])
})

test('a card refund is ordered, and fails with its reason', async () => {
  const id = await plan('card_refund')
  await move()
  assert.equal(refunds.get(id)?.providerRef, 'session-1')
  refunds.set(id, { ...refunds.get(id)!, state: 'failed', reason: 'card_closed' })
  await move()
  assert.deepEqual(
    [(await effect(id)).state, (await effect(id)).reason],
    ['failed', 'refused by the payment provider: card_closed'],
  )
  assert.deepEqual(states(), ['sent', 'failed'])
})

test('a refusal ends it; tried again by an operator it has another key', async () => {
  const id = await plan()
  bankFails.send = new ProviderError('bank', 'rejected', 'invalid account')
  await move()
  assert.equal((await effect(id)).state, 'failed')
  bankFails.send = null
  await retryEffect(needs, id, CHANGE)
  await move()
  assert.equal((await effect(id)).state, 'sent')
  assert.equal(new Set(sends).size, 2)
})

test('an answer that got lost: the bank is asked, and the transfer is not ordered again', async () => {
  const id = await plan()
  bankFails.send = 'after'
  await move()
  assert.equal((await effect(id)).state, 'unknown')
  bankFails.find = new ProviderError('bank', 'not_sent', 'unreachable')
  await move()
  assert.equal((await effect(id)).state, 'unknown')
  await assert.rejects(cancelEffect(needs, id, { become: 'planned', ...CHANGE }), RefusedOperation)
  bankFails.find = null
  await move()
  assert.equal((await effect(id)).state, 'sent')
  assert.deepEqual(sends, [id])
})

test('an order that never arrived is ordered under the same key after the bank was asked', async () => {
  const id = await plan()
  bankFails.send = new ProviderError('bank', 'unknown', 'no answer')
  await move()
  bankFails.send = null
  await move()
  assert.equal((await effect(id)).state, 'sent')
  assert.deepEqual(sends, [id, id])
})

test('a bank that can not be reached: it stays planned, may be given up, and goes later', async () => {
  const [first, second] = [await plan(), await plan()]
  bankFails.send = new ProviderError('bank', 'not_sent', 'unreachable')
  await move()
  assert.deepEqual(
    [(await effect(first)).state, (await effect(first)).reason],
    ['planned', 'bank: unreachable'],
  )
  await cancelEffect(needs, first, { become: 'cancelled', ...CHANGE })
  bankFails.send = null
  await move()
  assert.deepEqual([(await effect(first)).state, (await effect(second)).state], ['cancelled', 'sent'])
  assert.deepEqual([...orders.keys()], [second])
})

test('a process that died while it ordered: the next one asks first', async () => {
  const id = await plan()
  await needs.bank!.sendTransfer({ idempotencyKey: id, iban: 'x', units: 1234n } as TransferOrder)
  await db
    .updateTable('effects')
    .set({ state: 'prepared', leaseUntil: new Date(0) })
    .where('id', '=', id)
    .execute()
  await move()
  assert.equal((await effect(id)).state, 'sent')
  assert.deepEqual(sends, [id])
})

test('an accepted order that the bank forgets goes on being asked for, and is never ordered again', async () => {
  const id = await plan()
  await move()
  orders.delete(id)
  for (let look = 0; look < 45; look += 1) await move()
  const { state, reason, dueAt } = await effect(id)
  assert.deepEqual([state, dueAt], ['sent', null])
  assert.match(reason!, /does not know/)
  assert.deepEqual(sends, [id])
  // A person who knows more has it looked at again.
  await retryEffect(needs, id, CHANGE)
  orders.set(id, {
    providerRef: 'x',
    idempotencyKey: id,
    iban: 'x',
    units: 1234n,
    state: 'booked',
    reason: null,
    order: {} as TransferOrder,
  })
  await move()
  assert.equal((await effect(id)).state, 'confirmed')
})

test('a returned transfer fails with the reason of the bank', async () => {
  const id = await plan()
  await move()
  setOrder(id, { state: 'returned', reason: 'account_closed' })
  await recheckPayouts(db, [id], needs.clock.now())
  assert.equal(await movePayouts(needs), 1)
  assert.deepEqual(
    [(await effect(id)).state, (await effect(id)).reason],
    ['failed', 'returned by the bank: account_closed'],
  )
})

test('a paused door begins nothing new and follows what is on its way', async () => {
  const [first] = [await plan()]
  await move()
  assert.deepEqual(await pauseDoors(needs, 'payouts', CHANGE), [BANK_DOOR, 'card:cards'])
  const second = await plan()
  setOrder(first!, { state: 'booked' })
  await move()
  assert.deepEqual([(await effect(first!)).state, (await effect(second)).state], ['confirmed', 'planned'])
  await resumeDoors(needs, 'payouts', CHANGE)
  await move()
  assert.equal((await effect(second)).state, 'sent')
  await assert.rejects(pauseDoors(needs, 'dispatch', CHANGE), RefusedOperation)
})

test('a door without a provider waits and says so', async () => {
  needs = { ...needs, bank: undefined }
  const id = await plan()
  await move()
  assert.match((await effect(id)).reason!, /no provider is configured/)
  assert.equal((await effect(id)).state, 'planned')
})

test('two processes at once order once', async () => {
  const ids = await Promise.all(Array.from({ length: 10 }, () => plan()))
  nowMs += 1
  await Promise.all([movePayouts(needs), movePayouts(needs), movePayouts(needs)])
  assert.deepEqual([...sends].sort(), [...ids].sort())
})
