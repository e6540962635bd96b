import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  addDeposit,
  addSale,
  checkSaleBooks,
  deposit,
  endSaleEffects,
  getSale,
  REFUND_WALLET,
  readChains,
  SALE_LANES,
  saleEffects,
  saleEvents,
  settleBank,
  shareSaleWorld,
  showSale,
} from '../../test/support/sales.ts'
import { effectNeeds } from '../app-effects.ts'
import { judgeTransfers } from '../effects/judge-transfers.ts'
import { listPlanned } from '../effects/reserve-store.ts'
import { payerIban } from '../providers/bank/simulated/incoming.ts'
import { ProviderError } from '../providers/provider-error.ts'
import { SANDBOX_BLOCKED_WALLET } from '../providers/screening/block-list.ts'
import { paySaleAgain, releaseSale, returnSale } from './review-sale.ts'
import { findStuckSales } from './sale-health.ts'

const t = await shareSaleWorld()

const DAY = 86_400_000
const CHANGE = { who: 'ana', why: 'looked at' }
const FAR = new Date(Date.UTC(2200, 0))

const shown = (id: string) => showSale(t, id)

/** A sale that nobody can price, as its row was spoilt. */
async function spoil(id: string, price = 'nonsense'): Promise<void> {
  await t.app.db.updateTable('sales').set({ price }).where('id', '=', id).execute()
}

const forget = (id: string) =>
  t.app.db.updateTable('sales').set({ leaseUntil: null }).where('id', '=', id).execute()

describe('a sale that can not be worked on', () => {
  test('holds up no other, is named, and goes on once it is mended', async () => {
    const [good, bad, other] = [await addSale(t), await addSale(t), await addSale(t)]
    const { price } = bad
    await spoil(bad.id)
    for (const sale of [good, bad, other]) await addDeposit(t, sale)
    await t.runLanes('sale-deposits')
    assert.equal((await getSale(t.app, good.id)).state, 'processing')
    assert.equal((await getSale(t.app, other.id)).state, 'processing')
    const failed = await getSale(t.app, bad.id)
    assert.deepEqual([failed.state, failed.receivedUnits], ['started', 0n])
    const told = (await findStuckSales(t.app)).find(({ what }) => what === `sale ${bad.id}`)
    assert.match(told!.why, /nonsense/)
    const lane = t.app.lanes.lanes.find(({ name }) => name === 'sale-deposits')!
    assert.equal(await lane.nextDue(), null, 'no clock waits for it')

    await spoil(bad.id, price)
    await t.app.db.updateTable('deposits').set({ leaseUntil: null }).where('saleId', '=', bad.id).execute()
    await t.runLanes('sale-deposits')
    const mended = await getSale(t.app, bad.id)
    assert.deepEqual([mended.state, mended.failure], ['processing', null])
    assert.ok(!(await findStuckSales(t.app)).some(({ what }) => what === `sale ${bad.id}`))
  })

  test('nor at its deadline', async () => {
    const [good, bad] = [await addSale(t), await addSale(t)]
    for (const sale of [good, bad]) await deposit(t, sale, { amount: '40' })
    await spoil(bad.id)
    await t.advance(DAY)
    await t.runLanes('sale-deadlines')
    assert.equal((await getSale(t.app, good.id)).state, 'processing')
    assert.equal((await getSale(t.app, bad.id)).state, 'started')
    await spoil(bad.id, bad.price)
    await forget(bad.id)
    await t.runLanes('sale-deadlines')
    assert.equal((await getSale(t.app, bad.id)).state, 'processing')
  })
})

describe('a chain that was not read up to the deadline', () => {
  test('keeps the window open: what came in time still counts', async () => {
    const [sale, empty] = [await addSale(t), await addSale(t)]
    await readChains(t, new Date(sale.expiresAt!.getTime() - 1))
    await t.advance(3 * DAY)
    await t.runLanes(...SALE_LANES)
    assert.equal((await getSale(t.app, sale.id)).state, 'started')
    const told = (await findStuckSales(t.app)).find(({ what }) => what === 'sales on polygon')
    assert.match(told!.why, /^2 are past their deadline/)
    // The reading goes on, and finds what came before the deadline.
    await deposit(t, sale)
    await readChains(t, FAR)
    await t.runLanes(...SALE_LANES)
    assert.equal((await getSale(t.app, sale.id)).state, 'processing')
    assert.equal((await getSale(t.app, empty.id)).state, 'expired')
    assert.deepEqual(await saleEvents(t.app, sale.id), ['CRYPTO_RECEIVED'])
    assert.deepEqual(await findStuckSales(t.app), [])
  })

  test('a chain of which nothing is known keeps it open as well', async () => {
    const sale = await addSale(t)
    await readChains(t, null)
    await t.advance(DAY)
    await t.runLanes(...SALE_LANES)
    assert.equal((await getSale(t.app, sale.id)).state, 'started')
    await readChains(t, sale.expiresAt)
    await t.runLanes(...SALE_LANES)
    assert.equal((await getSale(t.app, sale.id)).state, 'expired')
    await readChains(t, FAR)
  })
})

describe('the wallet that coins go back to', () => {
  const judge = async (id: string) => {
    const needs = effectNeeds(t.app)
    const [effect] = (await saleEffects(t.app, id)).filter(({ state }) => state === 'planned')
    const { door } = effect!
    const { planned } = await listPlanned(
      t.app.db,
      { door, now: t.app.clock.now(), limit: 500 },
      needs.secrets,
    )
    const own = planned.filter((one) => one.id === effect!.id)
    return judgeTransfers(needs, 'polygon', own)
  }

  test('listed since: nothing goes back, a person is told why and names another', async () => {
    const sale = await addSale(t, { refundWallet: SANDBOX_BLOCKED_WALLET })
    await deposit(t, sale, { coin: 'polygon:USDT', amount: '25' })
    assert.deepEqual(await judge(sale.id), { allowed: [], ended: 1 })
    const looked = await getSale(t.app, sale.id)
    assert.deepEqual([looked.state, looked.reviewReason], ['in_review', 'return_failed'])
    assert.match(looked.reviewDetail!, /wallet_blocked: coins can't go back to 0xb10c/)
    await checkSaleBooks(t.app)
    await assert.rejects(returnSale(t.app, sale.id, { ...CHANGE, wallet: null }), { message: /blocked/ })
    const contracts = new Map(t.app.providers.contracts).set('polygon', [])
    const app = { ...t.app, providers: { ...t.app.providers, contracts } }
    await returnSale(app, sale.id, { ...CHANGE, wallet: REFUND_WALLET })
    const again = await judge(sale.id)
    assert.deepEqual([again.allowed.length, again.ended], [1, 0])
    await endSaleEffects(t, sale.id, 'coin_transfer', 'confirmed')
    const { status, refunds, deposits, refund } = await shown(sale.id)
    assert.equal(status, 'refunded')
    assert.deepEqual(
      refunds.map(({ state, crypto, amount }: Record<string, string>) => [state, crypto, amount]),
      [
        ['cancelled', 'USDT', '25000000'],
        ['confirmed', 'USDT', '25000000'],
      ],
    )
    assert.deepEqual(refund, refunds[1])
    assert.deepEqual([deposits[0].state, deposits[0].reason], ['returned', 'wrong_asset'])
  })

  test('nobody could judge it: it waits', async () => {
    const sale = await addSale(t)
    await deposit(t, sale, { coin: 'polygon:USDT', amount: '25' })
    const { screening } = t.app.providers
    t.app.providers.screening = {
      name: 'down',
      screenWallet: async () => {
        throw new ProviderError('down', 'unknown', 'the list does not answer')
      },
    }
    const judged = await judge(sale.id)
    t.app.providers.screening = screening
    assert.deepEqual(judged, { allowed: [], ended: 0 })
    const [effect] = await t.app.db
      .selectFrom('effects')
      .select(['state', 'reason'])
      .where('reference', '=', `sale:${sale.id}`)
      .execute()
    assert.deepEqual(
      [effect!.state, effect!.reason],
      ['planned', 'not_screened: down: the list does not answer'],
    )
  })
})

describe('what the integrator sees', () => {
  test('coins that do not count, in the answer, the list and the event alike', async () => {
    const sale = await addSale(t)
    await addDeposit(t, sale, { amount: '10', state: 'seen' })
    await deposit(t, sale, { coin: 'polygon:USDT', amount: '25' })
    await deposit(t, sale, { coin: 'polygon:USDT', amount: '0.01' })
    await deposit(t, sale, { from: SANDBOX_BLOCKED_WALLET })
    const { status, received_amount, deposits } = await shown(sale.id)
    assert.deepEqual([status, received_amount], ['in_review', '0'])
    assert.deepEqual(
      deposits.map((one: Record<string, unknown>) => [one.crypto, one.amount, one.state, one.reason]),
      [
        ['USDC', '10000000', 'confirming', null],
        ['USDT', '25000000', 'returning', 'wrong_asset'],
        ['USDC', '100000000', 'held', 'blocked_sender'],
        ['USDT', '10000', 'kept', 'dust'],
      ],
    )
    const list = await t.api('GET', `/api/rampoff/list?user_id=${sale.customerId}`)
    assert.deepEqual(list.body.data[0].deposits, deposits)
    const { dataSealed, keyWrapped } = await t.app.db
      .selectFrom('events')
      .select(['dataSealed', 'keyWrapped'])
      .where('stream', '=', `rampoff:${sale.id}`)
      .where('type', '=', 'RAMPOFF_IN_REVIEW')
      .executeTakeFirstOrThrow()
    const event = JSON.parse(t.app.secrets.openFor(keyWrapped!, dataSealed!).toString('utf8'))
    assert.deepEqual(event.deposits, deposits)
  })

  test('every payout, with what became of each', async () => {
    const sale = await addSale(t)
    await deposit(t, sale)
    await endSaleEffects(t, sale.id, 'bank_transfer', 'failed')
    const payee = () => ({ kind: 'iban' as const, iban: payerIban('Ana elsewhere'), name: 'Ana Pérez' })
    await paySaleAgain(t.app, sale.id, { ...CHANGE, payee })
    await settleBank(t)
    const { status, payouts, payout } = await shown(sale.id)
    assert.equal(status, 'finished')
    assert.deepEqual(
      payouts.map(({ state, reason }: Record<string, string>) => [state, reason]),
      [
        ['failed', 'failed by a test'],
        ['confirmed', null],
      ],
    )
    assert.deepEqual(payout, payouts[1])
    assert.deepEqual(await saleEvents(t.app, sale.id), [
      'CRYPTO_RECEIVED',
      'RAMPOFF_IN_REVIEW',
      'RAMPOFF_REVIEWED',
      'TRANSFER_RAMPOFF_FINISHED',
    ])
  })
})

describe('the way out of review', () => {
  test('back to finished: told once, and the transfer not again', async () => {
    const sale = await addSale(t)
    await deposit(t, sale)
    await settleBank(t)
    await deposit(t, sale, { amount: '50' })
    await returnSale(t.app, sale.id, { ...CHANGE, wallet: null })
    await endSaleEffects(t, sale.id, 'coin_transfer', 'confirmed')
    assert.equal((await getSale(t.app, sale.id)).state, 'finished')
    assert.deepEqual(await saleEvents(t.app, sale.id), [
      'CRYPTO_RECEIVED',
      'TRANSFER_RAMPOFF_FINISHED',
      'RAMPOFF_IN_REVIEW',
      'RAMPOFF_REVIEWED',
    ])
  })

  test('converted again after a conversion was reversed: the coins are told of once', async () => {
    const sale = await addSale(t)
    await deposit(t, sale)
    await endSaleEffects(t, sale.id, 'bank_transfer', 'failed')
    await returnSale(t.app, sale.id, { ...CHANGE, wallet: null })
    await endSaleEffects(t, sale.id, 'coin_transfer', 'failed')
    await releaseSale(t.app, sale.id, CHANGE)
    await settleBank(t)
    const { payouts, refunds } = await shown(sale.id)
    assert.deepEqual([payouts.length, refunds.length], [2, 1])
    assert.deepEqual(await saleEvents(t.app, sale.id), [
      'CRYPTO_RECEIVED',
      'RAMPOFF_IN_REVIEW',
      'RAMPOFF_REVIEWED',
      'TRANSFER_RAMPOFF_FINISHED',
    ])
  })
})
