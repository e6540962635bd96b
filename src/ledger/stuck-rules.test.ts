import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../../test/support/app.ts'
import { addSharedAccount, tellLine } from '../../test/support/bank.ts'
import {
  addCustomer,
  createGuided,
  endCoins,
  findIban,
  type PaymentWorld,
  payCard,
  reserveCoins,
  rowOf,
  sendTransfer,
  settleRefunds,
  startPaymentWorld,
  takeInstructions,
} from '../../test/support/payments.ts'
import { addDeposit, addSale, deposit, getSale, saleEffects, settleBank } from '../../test/support/sales.ts'
import { fileOf, partsOf } from '../../test/support/statements.ts'
import { createWebhookWorld } from '../../test/support/webhook-world.ts'
import { effectNeeds } from '../app-effects.ts'
import { importStatement } from '../bank-accounts/import-statement.ts'
import { claimLine } from '../bank-accounts/operate-accounts.ts'
import { exportOrders } from '../bank-accounts/orders/export-orders.ts'
import { setOrdersBy } from '../bank-accounts/orders/list-orders.ts'
import type { Db } from '../db/database.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { settleOrder } from '../effects/settle-order.ts'
import { parseDurationMs } from '../kernel/clock.ts'
import { createMetrics } from '../kernel/metrics.ts'
import {
  STUCK_CODES,
  STUCK_DEFAULTS,
  type StuckCode,
  type StuckThresholds,
} from '../kernel/stuck-thresholds.ts'
import type { Payee } from '../offramp/sale.ts'
import { refusePayment } from '../onramp/review.ts'
import { payerIban } from '../providers/bank/simulated/incoming.ts'
import { MAGIC_PAYEES } from '../providers/bank/simulated/magic.ts'
import { receiveCallback } from '../providers/callbacks/inbox.ts'
import { addFaults } from '../providers/faults.ts'
import { subscribe } from '../webhooks/subscription-store.ts'
import { countStuck, findStuck, findStuckMoney, measureStuck, type StuckItem } from './find-stuck.ts'
import { STUCK_RULES } from './stuck-rules.ts'

const DAY_MS = 86_400_000
const WHO = { who: 'olga', why: 'test' }
const sound: Payee = { kind: 'iban', iban: payerIban('Ana Pérez'), name: 'Ana Pérez' }

let t: PaymentWorld
before(async () => {
  t = await startPaymentWorld()
})
after(() => t.stop())

const magic = (does: string): Payee => {
  const found = MAGIC_PAYEES.find(({ fate, value }) => fate.does === does && /^DE/.test(value))
  assert.ok(found, does)
  return { kind: 'iban', iban: found.value, name: 'Ana Pérez' }
}

const findOf = (code: StuckCode, now: Date, { db = t.app.db, after: asked = t.app.config.stuckAfter } = {}) =>
  findStuck(db, { now, after: asked }, { only: code, limit: 1_000 })

/** It is found from its threshold on, and not a millisecond before. */
async function assertStuck(code: StuckCode, reference: string, db: Db = t.app.db): Promise<StuckItem> {
  const afterMs = parseDurationMs(STUCK_DEFAULTS[code])!
  const later = new Date(t.app.clock.now().getTime() + afterMs + 20 * DAY_MS)
  const item = (await findOf(code, later, { db })).find((one) => one.reference === reference)
  assert.ok(item, `${reference} is found`)
  const at = (ms: number) => findOf(code, new Date(item.since.getTime() + afterMs + ms), { db })
  const isThere = (items: StuckItem[]) => items.some((one) => one.reference === reference)
  // The database knows microseconds.
  assert.equal(isThere(await at(-1)), false, 'just below the threshold')
  assert.equal(isThere(await at(1)), true, 'at the threshold')
  return item
}

async function assertMoving(code: StuckCode, reference: string): Promise<void> {
  const found = await findOf(code, new Date(t.app.clock.now().getTime() + 60 * DAY_MS))
  assert.equal(
    found.some((one) => one.reference === reference),
    false,
    `${reference} is not stuck`,
  )
}

async function ordered(payee: Payee): Promise<string> {
  const sale = await addSale(t, { price: '0.900000', payee })
  assert.equal((await deposit(t, sale)).state, 'processing')
  return sale.id
}

const payoutOf = async (saleId: string) =>
  (await saleEffects(t.app, saleId)).find(({ kind }) => kind === 'bank_transfer')!

describe('each kind of stuck money is found when it has been so for long enough', () => {
  it('payment_without_transfer, transfer_unconfirmed', async () => {
    const id = await createGuided(t, await addCustomer(t.app))
    await payCard(t, id)
    const { asset, units } = await assertStuck('payment_without_transfer', `payment:${id}`)
    assert.deepEqual([asset, units], ['EUR', 15_050n])
    await assertMoving('transfer_unconfirmed', `payment:${id}`)
    await reserveCoins(t.app, id)
    await assertMoving('payment_without_transfer', `payment:${id}`)
    const sent = await assertStuck('transfer_unconfirmed', `payment:${id}`)
    assert.equal(sent.asset, 'polygon:USDC')
    await t.app.db
      .updateTable('effects')
      .set({ state: 'planned' })
      .where('reference', '=', `payment:${id}`)
      .execute()
    await endCoins(t, id, 'confirmed')
    for (const code of ['payment_without_transfer', 'transfer_unconfirmed'] as const)
      await assertMoving(code, `payment:${id}`)
  })

  it('payment_in_review, refund_failed', async () => {
    const id = await createGuided(t, await addCustomer(t.app), { payment_type: 'transfer' })
    const { iban, concept } = await takeInstructions(t, id)
    await sendTransfer(t.app, { iban, concept, amount: '150.50', name: 'Otra Persona Distinta' })
    await t.settle()
    assert.equal((await rowOf(t.app, id)).state, 'in_review')
    assert.equal((await assertStuck('payment_in_review', `payment:${id}`)).why, 'third_party')
    await refusePayment(t.app, id, { ...WHO, toIban: (magic('refuse') as { iban: string }).iban })
    await settleRefunds(t)
    const { units } = await assertStuck('refund_failed', `payment:${id}`)
    assert.equal(units, 15_050n)
  })

  it('sale_without_payout', async () => {
    const sale = await addSale(t, { price: '0.500000', priceHoldsMs: 0 })
    await addFaults(t.app, { provider: 'price', kind: 'stale', count: 1 })
    await t.app.pricing.prices.refresh()
    assert.equal((await deposit(t, sale)).state, 'crypto_received')
    const item = await assertStuck('sale_without_payout', `sale:${sale.id}`)
    assert.deepEqual([item.asset, item.units], ['polygon:USDC', 100_000_000n])
    await t.app.pricing.prices.refresh()
    await t.app.db.updateTable('sales').set({ leaseUntil: null }).where('id', '=', sale.id).execute()
    await t.runLanes('sale-conversions')
    await assertMoving('sale_without_payout', `sale:${sale.id}`)
  })

  it('payout_waiting, payout_not_on_statement by the bank’s silence', async () => {
    const id = await ordered(magic('stay'))
    const { units } = await payoutOf(id)
    assert.equal((await assertStuck('payout_waiting', `sale:${id}`)).units, units)
    await settleBank(t)
    await assertMoving('payout_waiting', `sale:${id}`)
    await assertStuck('payout_not_on_statement', `sale:${id}`)
  })

  it('payout_not_on_statement, though the bank said that it was booked, until its line is read', async () => {
    const id = await ordered(sound)
    await t.runLanes('payouts')
    await t.advance(10_000)
    await t.runLanes('simulated-bank')
    await t.advance(60_000)
    await t.runLanes('payouts')
    assert.equal((await payoutOf(id)).state, 'confirmed')
    const { why } = await assertStuck('payout_not_on_statement', `sale:${id}`)
    assert.match(why!, /booked/)
    await t.settle()
    await assertMoving('payout_not_on_statement', `sale:${id}`)
    const read = () =>
      t.app.db
        .selectFrom('effects')
        .select('lineRead')
        .where('reference', '=', `sale:${id}`)
        .where('kind', '=', 'bank_transfer')
        .executeTakeFirstOrThrow()
    assert.equal((await read()).lineRead, false)
    await t.runLanes('payout-lines')
    assert.equal((await read()).lineRead, true)
  })

  it('payout_unknown', async () => {
    const id = await ordered(sound)
    await addFaults(t.app, { provider: 'bank', kind: 'lost_answer', count: 1 })
    await t.runLanes('payouts')
    assert.equal((await payoutOf(id)).state, 'unknown')
    await assertStuck('payout_unknown', `sale:${id}`)
  })

  it('sale_in_review', async () => {
    const id = await ordered(magic('refuse'))
    await settleBank(t)
    assert.equal((await getSale(t.app, id)).state, 'in_review')
    assert.equal((await assertStuck('sale_in_review', `sale:${id}`)).why, 'payout_failed')
  })

  it('deposit_not_swept', async () => {
    const sale = await addSale(t)
    await addDeposit(t, sale, { state: 'seen' })
    await assertMoving('deposit_not_swept', `sale:${sale.id}`)
    await deposit(t, sale)
    const { units } = await assertStuck('deposit_not_swept', `sale:${sale.id}`)
    assert.equal(units, 100_000_000n)
  })

  it('suspense_line, until somebody claims it', async () => {
    const iban = await findIban(t.app)
    const id = await tellLine(t.app, { iban, units: 4_242n, counterpartyName: 'Nadie Conocido' })
    // The lane that looks for its owner may stand still.
    await assertStuck('suspense_line', `bank-line:${iban}:${id}`)
    await t.runLanes('bank-lines')
    const { units, asset } = await assertStuck('suspense_line', `bank-line:${iban}:${id}`)
    assert.deepEqual([units, asset], [4_242n, 'EUR'])
    await claimLine(t.app, { iban, id, owner: 'treasury' }, WHO)
    await assertMoving('suspense_line', `bank-line:${iban}:${id}`)
  })

  it('suggested_line', async () => {
    const customer = await addCustomer(t.app, { name: 'Berta', lastName: 'Quiroga Sanz' })
    const iban = await findIban(t.app)
    for (let count = 0; count < 2; count += 1) {
      const id = await createGuided(t, customer, { fiat_amount: '177.77', payment_type: 'transfer' })
      await takeInstructions(t, id)
    }
    const id = await tellLine(t.app, { iban, units: 17_777n, counterpartyName: 'Berta Quiroga Sanz' })
    await t.runLanes('bank-lines')
    await assertStuck('suggested_line', `bank-line:${iban}:${id}`)
    await assertMoving('suspense_line', `bank-line:${iban}:${id}`)
  })

  it('doubtful_line, statement_missing', async () => {
    const iban = await addSharedAccount(t.app)
    const since = await assertStuck('statement_missing', `bank:${iban}`)
    assert.match(since.why!, /never/)
    const tell = (day: string, openingUnits = 0n) =>
      importStatement(
        t.app,
        fileOf(partsOf({ account: iban, lines: [], openingUnits, fromOn: day, toOn: day })),
      )
    await tell('2026-03-01')
    await tell('2026-03-02')
    assert.match((await assertStuck('statement_missing', `bank:${iban}`)).why!, /2026-03-02/)
    const bookedAt = new Date('2026-03-02T10:00:00Z')
    await assert.rejects(tellLine(t.app, { iban, bookedAt, valueDate: '2026-03-02' }), /no result/)
    const { id } = await t.app.db
      .selectFrom('bankDoubts')
      .select('id')
      .where('iban', '=', iban)
      .executeTakeFirstOrThrow()
    assert.equal((await assertStuck('doubtful_line', `bank-doubt:${iban}:${id}`)).units, 10_000n)
  })

  it('order_not_exported, order_unanswered', async () => {
    const { door } = await payoutOf(await ordered(sound))
    const iban = door.slice('bank:'.length)
    await setOrdersBy(t.app, { iban, by: 'file' }, WHO)
    const id = await ordered(sound)
    await t.runLanes('payouts')
    await assertStuck('order_not_exported', `sale:${id}`)
    await assertMoving('payout_not_on_statement', `sale:${id}`)
    await exportOrders(t.app, { iban, format: 'pain.001.001.09' }, WHO)
    await assertMoving('order_not_exported', `sale:${id}`)
    await assertStuck('order_unanswered', `sale:${id}`)
    // The bank's word ends the question; what is left is that no statement has it.
    const effect = await payoutOf(id)
    await settleOrder(effectNeeds(t.app), effect.id, { ...WHO, says: 'booked' })
    await assertMoving('order_unanswered', `sale:${id}`)
    await assertStuck('payout_not_on_statement', `sale:${id}`)
    await setOrdersBy(t.app, { iban, by: 'api' }, WHO)
  })

  it('card_not_settled, until the provider’s payment is claimed', async () => {
    await t.runLanes('ledger-seal')
    const { units } = await assertStuck('card_not_settled', 'card:simulated')
    const owed = units!
    const iban = await addSharedAccount(t.app)
    const claim = (id: string, feeUnits: bigint) =>
      claimLine(t.app, { iban, id, owner: 'card:simulated', feeUnits }, WHO)
    const [paid, tooMuch] = [
      await tellLine(t.app, { iban, units: owed - 120n }),
      await tellLine(t.app, { iban, units: owed }),
    ]
    await t.app.db.updateTable('bankTransactions').set({ dueAt: null }).where('iban', '=', iban).execute()
    await assert.rejects(claim(tooMuch, 1n), RefusedOperation)
    await claim(paid, 120n)
    await t.runLanes('ledger-seal')
    await assertMoving('card_not_settled', 'card:simulated')
    await assert.rejects(claim(tooMuch, 0n), RefusedOperation)
  })

  it('callback_parked', async () => {
    await receiveCallback(t.app, { provider: 'nobody', externalId: 'x1', payload: {} })
    const row = () =>
      t.app.db
        .selectFrom('providerCallbacks')
        .selectAll()
        .where('provider', '=', 'nobody')
        .executeTakeFirstOrThrow()
    for (let tries = 0; (await row()).parkedReason === null; tries += 1) {
      assert.ok(tries < 20)
      await t.runLanes('provider-callbacks')
      await t.app.moveClock(t.app.clock.offsetMs() + DAY_MS)
    }
    await assertStuck('callback_parked', `callback:${(await row()).id}`)
  })

  it('webhook_parked', async () => {
    const world = await createWebhookWorld()
    try {
      const { id } = await world.newIntegration()
      const { db, clock } = world.app
      const subscription = { integrationId: id, type: 'PAY_IN', sentType: 'PAY_IN' } as const
      const now = clock.now()
      await db
        .transaction()
        .execute((trx) => subscribe(trx, { ...subscription, url: 'http://127.0.0.1:9/never' }, now))
      world.app.lanes.start()
      await world.emitEach(id, [{ stream: 'payment:x', type: 'PAY_IN' }])
      const later = new Date(now.getTime() + DAY_MS)
      await eventually(
        'the destination fails',
        async () => (await findOf('webhook_parked', later, { db })).length > 0,
      )
      await assertStuck('webhook_parked', `integration:${id}`, db)
    } finally {
      await world.close()
    }
  })
})

describe('what is asked of all rules', () => {
  const later = () => new Date(t.app.clock.now().getTime() + 30 * DAY_MS)

  it('counts are those of the items, and the gauges show them', async () => {
    const asked = { now: later(), after: t.app.config.stuckAfter }
    const items = await findStuck(t.app.db, asked, { limit: 1_000 })
    const metrics = createMetrics()
    await measureStuck(t.app.db, asked, metrics)
    const { values } = await metrics.stuckItems.get()
    assert.equal(values.length, STUCK_CODES.length)
    for (const { rule, count, oldest } of await countStuck(t.app.db, asked)) {
      const own = items.filter((item) => item.rule === rule.code)
      assert.deepEqual(
        [rule.code, count, oldest?.getTime()],
        [rule.code, own.length, own[0]?.since.getTime()],
      )
      assert.equal(values.find(({ labels }) => labels.rule === rule.code)?.value, count)
    }
    const age = (await metrics.stuckOldest.get()).values.find(
      ({ labels }) => labels.rule === 'payout_not_on_statement',
    )
    assert.ok(age!.value > 29 * 86_400)
    const { body } = await t.api('GET', '/metrics')
    assert.match(body, /stuck_money_items\{rule="payout_not_on_statement"\} \d/)
  })

  it('/readyz names what is urgent, and a rule that is off finds nothing', async () => {
    const off = Object.fromEntries(STUCK_CODES.map((code) => [code, null])) as StuckThresholds
    assert.deepEqual(await findStuckMoney(t.app.db, { now: later(), after: off }), [])
    assert.deepEqual(await findStuck(t.app.db, { now: later(), after: off }, { limit: 9 }), [])
    const after = { ...off, payout_not_on_statement: 1, suspense_line: 1 }
    const named = await findStuckMoney(t.app.db, { now: later(), after })
    assert.deepEqual(
      named.map(({ what }) => what),
      ['stuck money: payout_not_on_statement'],
    )
    const { body } = await t.api('GET', '/readyz')
    assert.ok(body.waiting.some(({ what }: { what: string }) => what.startsWith('stuck money: ')))
  })

  it('each rule has words, and commands that there are', () => {
    for (const { code, says, mend } of STUCK_RULES) {
      assert.match(says, /^[A-Z].*\.$/s, code)
      assert.match(mend, /\.$/, code)
    }
  })
})
