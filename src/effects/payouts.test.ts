import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { pino } from 'pino'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { type Db, openDatabase } from '../db/database.ts'
import { createClock } from '../kernel/clock.ts'
import { createSecrets } from '../kernel/secrets.ts'
import { book } from '../ledger/book.ts'
import type { BankProvider, BankTransfer, TransferOrder } from '../providers/bank/port.ts'
import type { CardProvider, CardRefund } from '../providers/card/port.ts'
import { createMnemonicCustody } from '../providers/custody/local-mnemonic.ts'
import { ProviderError } from '../providers/provider-error.ts'
import { TEST_MNEMONIC } from '../sandbox/chain/fixture.ts'
import { findWaitingMoney } from './health.ts'
import { DISPATCH_DEFAULTS, type EffectNeeds, type EndedEffect } from './model.ts'
import { pauseDoors, resumeDoors } from './operate-doors.ts'
import { cancelEffect, RefusedOperation, retryEffect } from './operate-effects.ts'
import { recheckPayouts, recheckShort } from './payout-store.ts'
import { again, movePayouts } from './payouts.ts'
import { type BankWord, settleOrder } from './settle-order.ts'

const CHANGE = { who: 'operator', why: 'test' }
/** Another account for each test: what is booked stays. */
let iban = ''
let accounts = 0
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
  iban = `ES12${String(++accounts).padStart(20, '0')}`
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
  const account = { iban, bic: 'X', bankName: 'X', holderName: 'X', currency: 'EUR' }
  await db
    .insertInto('bankAccounts')
    .values({ ...account, integrationId: null, createdAt: clock.now() })
    .execute()
  await fund(1_000_000n)
})

let journals = 0
function bookEuros(postings: Record<string, bigint>): Promise<void> {
  const journal = {
    kind: 'test',
    purpose: `test:${++journals}`,
    integrationId: null,
    reference: null,
    at: needs.clock.now(),
    postings: Object.entries(postings).map(([account, units]) => ({ account, asset: 'EUR', units })),
  }
  return db.transaction().execute((trx) => book(trx, journal))
}

/** The treasury puts money on the account; negative units take it away. */
const fund = (units: bigint) => bookEuros({ [`bank:${iban}`]: units, 'equity:treasury': -units })
/** The bank's line of a transfer that was ordered is read. */
const readDebit = (units = 1234n) => bookEuros({ [`transit:out:${iban}`]: units, [`bank:${iban}`]: -units })

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
      reasonText: null,
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
async function plan(
  kind: 'bank_transfer' | 'card_refund' = 'bank_transfer',
  { units = 1234n, to = {} }: { units?: bigint; to?: Record<string, string> } = {},
): Promise<string> {
  const id = `payout${++planned}`
  const destination =
    kind === 'card_refund'
      ? { session: 'session-1' }
      : { iban: 'DE1', name: 'Ana', concept: 'Refund 1', ...to }
  if (kind === 'bank_transfer')
    await bookEuros({ 'customer:test:fiat': units, [`transit:out:${iban}`]: -units })
  await db
    .insertInto('effects')
    .values({
      id,
      integrationId: 1,
      kind,
      purpose: `test:${id}`,
      reference: `test:${id}`,
      door: kind === 'card_refund' ? 'card:cards' : `bank:${iban}`,
      asset: 'EUR',
      units,
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
const openDoors = () => [
  ...Array.from({ length: accounts }, (_, index) => `bank:ES12${String(index + 1).padStart(20, '0')}`),
  'card:cards',
]
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
    iban,
    to: { iban: 'DE1' },
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

test('an order whose end is unknown is given up only when the bank refused it; its word to a person is recorded', async () => {
  const id = await plan()
  bankFails.send = 'after'
  await move()
  const give = () => cancelEffect(needs, id, { become: 'cancelled', ...CHANGE })
  const settle = (says: BankWord) => settleOrder(needs, id, { says, ...CHANGE })
  bankFails.find = new ProviderError('bank', 'unknown', '503')
  await assert.rejects(give(), /may have left, and the provider can't be asked/)
  for (const says of ['rejected', 'not-received'] as const)
    await assert.rejects(settle(says), /can't be asked whether it has it/)
  bankFails.find = null
  await assert.rejects(give(), /the provider has it \(accepted\)/)
  await assert.rejects(settle('not-received'), /interface has it/)
  setOrder(id, { state: 'booked' })
  await assert.rejects(give(), /has it \(done\)/)
  await assert.rejects(settle('rejected'), /is done/)
  setOrder(id, { state: 'rejected', reason: 'AC04' })
  await assert.rejects(settle('booked'), /was refused/)
  await give()
  assert.equal((await effect(id)).state, 'cancelled')
  await assert.rejects(settle('booked'), /is cancelled/)
})

test('an order that the bank does not know may be on its way to it: only the word of the bank gives it up', async () => {
  const id = await plan()
  bankFails.send = 'after'
  await move()
  orders.delete(id)
  await assert.rejects(cancelEffect(needs, id, { become: 'cancelled', ...CHANGE }), /may still come/)
  await db
    .updateTable('effects')
    .set({ leaseUntil: new Date(Date.now() + 60_000) })
    .where('id', '=', id)
    .execute()
  await assert.rejects(settleOrder(needs, id, { says: 'not-received', ...CHANGE }), /being asked about/)
  await db.updateTable('effects').set({ leaseUntil: null }).where('id', '=', id).execute()
  await settleOrder(needs, id, { says: 'not-received', ...CHANGE })
  const { state, reason } = await effect(id)
  assert.deepEqual([state, reason], ['failed', 'said by the bank: not-received'])
  // Under another key the line of this one would not be known.
  await assert.rejects(retryEffect(needs, id, CHANGE), /by the bank's word/)
  assert.equal(heard.at(-1)?.state, 'failed')
  const audit = await db.selectFrom('auditLog').selectAll().where('target', '=', `effect:${id}`).execute()
  assert.deepEqual(
    audit.map(({ action, who, why }) => [action, who, why]),
    [['effect.settle', 'operator', 'test']],
  )
})

test('an order that was unknown and can not be sent again stays unknown: the first may still come', async () => {
  const id = await plan()
  bankFails.send = new ProviderError('bank', 'unknown', 'no answer')
  await move()
  bankFails.send = new ProviderError('bank', 'not_sent', 'unreachable')
  await move()
  assert.equal((await effect(id)).state, 'unknown')
})

test('orders that hang are asked about together, in the end once a day', () => {
  const now = new Date(Date.UTC(2030, 0, 15, 10, 20))
  const after = (attempts: number) => again(now, attempts).toISOString()
  assert.equal(after(0), '2030-01-15T10:20:01.000Z')
  assert.equal(after(7), '2030-01-15T11:00:00.000Z')
  assert.equal(after(29), '2030-01-15T11:00:00.000Z')
  assert.equal(after(30), '2030-01-16T00:00:00.000Z')
  let asks = 0
  const end = now.getTime() + 90 * 86_400_000
  for (let at = now; at.getTime() < end; at = again(at, asks)) asks += 1
  assert.ok(asks < 125, `${asks} in 90 days`)
})

test('an accepted order that the bank forgets goes on being asked for, and is never ordered again', async () => {
  const id = await plan()
  await move()
  orders.delete(id)
  for (let look = 0; look < 45; look += 1) {
    nowMs += 86_400_000
    await move()
  }
  const { state, reason, dueAt } = await effect(id)
  assert.deepEqual([state, dueAt], ['sent', null])
  assert.deepEqual(
    (await findWaitingMoney(db)).map(({ what }) => what),
    [`door bank:${iban}`],
  )
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
    reasonText: null,
    order: {} as TransferOrder,
  })
  await move()
  assert.equal((await effect(id)).state, 'confirmed')
})

test('a returned transfer says so and waits for the line of the bank: nobody can send it anew', async () => {
  const id = await plan()
  await move()
  setOrder(id, { state: 'returned', reason: 'AC04', reasonText: 'Cuenta cancelada' })
  await recheckPayouts(db, [id], needs.clock.now())
  assert.equal(await movePayouts(needs), 1)
  assert.deepEqual(
    [(await effect(id)).state, (await effect(id)).reason],
    ['sent', 'returned by the bank: AC04: the account is closed (Cuenta cancelada)'],
  )
  assert.deepEqual(states(), ['sent'])
  await assert.rejects(cancelEffect(needs, id, { become: 'cancelled', ...CHANGE }), RefusedOperation)
  await retryEffect(needs, id, CHANGE)
  await move()
  assert.equal((await effect(id)).state, 'sent')
  assert.deepEqual(sends, [id])
})

test('a paused door begins nothing new and follows what is on its way', async () => {
  const [first] = [await plan()]
  await move()
  assert.deepEqual(await pauseDoors(needs, 'payouts', CHANGE), openDoors())
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

test('a local account is ordered as it was written down, a name of Europe in the characters of SEPA', async () => {
  const sepa = await plan('bank_transfer', { to: { name: 'Ana Pérez Ñandú', concept: 'Sale_1' } })
  const account = { account: '032180000118359719', bankName: 'STP', country: 'MX' }
  const local = await plan('bank_transfer', { to: { ...account, name: 'José Núñez', iban: undefined! } })
  await move()
  const { to, toName, concept } = orders.get(sepa)!.order
  assert.deepEqual([to, toName, concept], [{ iban: 'DE1' }, 'Ana Perez Nandu', 'Sale-1'])
  assert.deepEqual([orders.get(local)!.order.to, orders.get(local)!.order.toName], [account, 'José Núñez'])
})

test('without enough money a transfer waits, says so, and goes by itself when money is there', async () => {
  await fund(-999_000n)
  const large = await plan()
  const small = await plan('bank_transfer', { units: 1_000n })
  await move()
  const { state, reason, dueAt } = await effect(large)
  assert.equal(state, 'planned')
  assert.equal(reason, 'funds_short: the account can give 1000 units of EUR, 1234 are needed')
  assert.ok(dueAt && dueAt > needs.clock.now())
  assert.equal((await effect(small)).state, 'sent', 'a smaller one goes before it')
  assert.deepEqual(
    (await findWaitingMoney(db)).map(({ what, why }) => [what, why]),
    [[`door bank:${iban}`, '1 transfers of EUR wait: funds_short.']],
  )
  await fund(1_234n)
  await db.transaction().execute((trx) => recheckShort(trx, [iban], needs.clock.now()))
  await movePayouts(needs)
  assert.equal((await effect(large)).state, 'sent')
  assert.deepEqual(await findWaitingMoney(db), [])
  assert.deepEqual(sends.toSorted(), [large, small].toSorted())
})

test('money on its way is not promised again, whether the bank has booked it or not', async () => {
  await fund(-1_000_000n + 2_000n)
  const first = await plan()
  await move()
  const second = await plan()
  await move()
  assert.equal((await effect(second)).state, 'planned', 'the first one is on its way')
  setOrder(first, { state: 'booked' })
  await move()
  assert.deepEqual([(await effect(first)).state, (await effect(second)).state], ['confirmed', 'planned'])
  await readDebit()
  await move()
  assert.match((await effect(second)).reason!, /can give 766 units/)
  await fund(468n)
  await move()
  assert.equal((await effect(second)).state, 'sent')
})

test('two processes at once promise the money of an account once', async () => {
  await fund(-1_000_000n + 3n * 1234n)
  await Promise.all(Array.from({ length: 9 }, () => plan()))
  nowMs += 1
  await Promise.all([movePayouts(needs), movePayouts(needs), movePayouts(needs)])
  await movePayouts(needs)
  assert.equal(sends.length, 3)
})

test('a bank that finds too little money is asked again under another key, and nobody is to blame', async () => {
  const id = await plan()
  bankFails.send = new ProviderError('bank', 'rejected', 'too little', { code: 'AM04' })
  await move()
  const waiting = await effect(id)
  assert.deepEqual([waiting.state, waiting.reason], ['planned', 'funds_short: bank: too little'])
  assert.notEqual(waiting.idempotencyKey, id)
  bankFails.send = null
  await move()
  assert.equal((await effect(id)).state, 'sent')
  assert.deepEqual(sends, [id, waiting.idempotencyKey])
  assert.deepEqual(states(), ['sent'])
})

test("a day's cap lets no more out of an account; what was refused doesn't count; the rest goes the next day", async () => {
  needs = { ...needs, settings: { ...needs.settings, dailyCapUnits: () => 2_500n } }
  nowMs = Date.UTC(2031, accounts, 3, 1)
  const outflow = async () =>
    (await db.selectFrom('outflows').select('units').where('door', '=', `bank:${iban}`).execute()).map(
      ({ units }) => units,
    )
  const refused = await plan()
  bankFails.send = new ProviderError('bank', 'rejected', 'no')
  await movePayouts(needs)
  assert.equal((await effect(refused)).state, 'failed')
  bankFails.send = new ProviderError('bank', 'not_sent', 'unreachable')
  const [first, second, third] = [await plan(), await plan(), await plan()]
  await movePayouts(needs)
  assert.deepEqual(await outflow(), [0n])
  bankFails.send = null
  await move()
  assert.deepEqual(await outflow(), [2_468n])
  const states = async () => Promise.all([first, second, third].map(async (id) => (await effect(id)).state))
  assert.deepEqual((await states()).toSorted(), ['planned', 'sent', 'sent'])
  await move()
  assert.deepEqual((await states()).toSorted(), ['planned', 'sent', 'sent'])
  nowMs += 86_400_000
  await move()
  assert.deepEqual(await states(), ['sent', 'sent', 'sent'])
  // Rejected a day later: the day it was let out on has room again, though it is over.
  setOrder(first, { state: 'rejected', reason: 'AC06' })
  await move()
  assert.deepEqual((await outflow()).toSorted(), [1_234n, 1_234n])
})
