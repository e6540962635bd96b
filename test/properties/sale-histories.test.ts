import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { sql } from 'kysely'
import { DEFAULT_SETTINGS } from '../../src/common/integration.ts'
import { balanceOf } from '../../src/ledger/book.ts'
import { abandonSale, paySaleAgain, releaseSale, returnSale } from '../../src/offramp/review-sale.ts'
import { heldCoins, heldFiat, type Sale, saleCoin } from '../../src/offramp/sale.ts'
import { FINAL_SALE_STATES } from '../../src/offramp/sale-states.ts'
import { takeBackPayout } from '../../src/offramp/take-back-payout.ts'
import { payerIban } from '../../src/providers/bank/simulated/incoming.ts'
import { addFaults } from '../../src/providers/faults.ts'
import { SANDBOX_BLOCKED_WALLET } from '../../src/providers/screening/block-list.ts'
import { type PaymentWorld, setSettings } from '../support/payments.ts'
import {
  addDeposit,
  addSale,
  checkSaleBooks,
  endSaleEffects,
  getSale,
  REFUND_WALLET,
  SALE_LANES,
  STRANGER,
  saleEffects,
  saleEvents,
  startSaleWorld,
} from '../support/sales.ts'

/** More of them in the long runs. */
const RUNS = Number(process.env.HISTORY_RUNS ?? 40)

let t: PaymentWorld

before(async () => {
  t = await startSaleWorld()
})
after(() => t.stop())

type End = 'confirmed' | 'failed' | 'cancelled'

/** What may happen to a sale, in any order, as often as it likes; most of it is refused most of the time. */
type Step =
  | { do: 'deposit'; amount: string; coin: string; from: string; state: 'seen' | 'final' }
  | { do: 'payout ends' | 'return ends'; as: End }
  | { do: 'seen becomes'; state: 'final' | 'vanished' }
  | { do: 'time passes'; ms: number }
  | { do: 'prices vanish' | 'release' | 'pay again' | 'return' | 'abandon' | 'ban' | 'payout comes back' }

const MINUTE = 60_000
const DAY = 1440 * MINUTE

const deposits: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('deposit' as const),
  amount: fc.constantFrom('100', '100', '99.5', '60', '40', '250', '5', '0.05', '20000'),
  coin: fc.constantFrom('polygon:USDC', 'polygon:USDC', 'polygon:USDC', 'polygon:USDC', 'polygon:USDT'),
  from: fc.constantFrom(STRANGER, STRANGER, STRANGER, STRANGER, STRANGER, SANDBOX_BLOCKED_WALLET),
  state: fc.constantFrom('final' as const, 'final' as const, 'final' as const, 'seen' as const),
})
const ends = fc.constantFrom<End>('confirmed', 'confirmed', 'failed', 'cancelled')

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: deposits },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('payout ends' as const), as: ends }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('return ends' as const), as: ends }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('seen becomes' as const),
      state: fc.constantFrom('final' as const, 'vanished' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('time passes' as const),
      ms: fc.constantFrom(MINUTE, 2 * MINUTE, DAY + MINUTE, 8 * DAY),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Step>(
      { do: 'release' },
      { do: 'pay again' },
      { do: 'return' },
      { do: 'abandon' },
      { do: 'payout comes back' },
      { do: 'payout comes back' },
      { do: 'prices vanish' },
      { do: 'ban' },
    ),
  },
)

const rule = fc.constantFrom('convert' as const, 'return' as const, 'review' as const)
const policies = fc.record({
  short: rule,
  excess: rule,
  late: rule,
  wrongAsset: fc.constantFrom('return' as const, 'review' as const),
})
const sales = fc.record({
  refundWallet: fc.constantFrom(REFUND_WALLET, REFUND_WALLET, null),
  priceHoldsMs: fc.constantFrom(null, 0, MINUTE, DAY),
})

test('whatever happens to a sale, in whatever order, each coin is accounted for and it comes to an end', async () => {
  const seen = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(
      policies,
      sales,
      fc.array(steps, { minLength: 2, maxLength: 14 }),
      async (policy, made, history) => {
        await setSettings(t, (settings) => ({ ...settings, sales: { ...DEFAULT_SETTINGS.sales, ...policy } }))
        await t.app.pricing.prices.refresh()
        const { id } = await addSale(t, made)
        for (const step of [{ do: 'deposit', ...PLAIN } as Step, ...history].slice(history.length % 2)) {
          await take(id, step)
          await t.runLanes(...SALE_LANES)
          await checkSale(id)
          const { state } = await getSale(t.app, id)
          seen.set(state, (seen.get(state) ?? 0) + 1)
        }
        await comeToAnEnd(id)
        await checkSaleBooks(t.app)
      },
    ),
    { numRuns: RUNS, endOnFailure: true, examples: [NOTHING_COMES] },
  )
  for (const state of ['started', 'processing', 'finished', 'in_review', 'expired']) {
    assert.ok(seen.has(state), `some history went through ${state}`)
  }
})

type ValueOf<A> = A extends fc.Arbitrary<infer V> ? V : never

/** Chance alone forgets this history in one run of forty. */
const NOTHING_COMES: [ValueOf<typeof policies>, ValueOf<typeof sales>, Step[]] = [
  { short: 'convert', excess: 'convert', late: 'convert', wrongAsset: 'return' },
  { refundWallet: REFUND_WALLET, priceHoldsMs: null },
  [{ do: 'time passes', ms: 8 * DAY }],
]

const PLAIN = { amount: '100', coin: 'polygon:USDC', from: STRANGER, state: 'final' as const }
const CHANGE = { who: 'a test', why: 'chance' }

async function take(id: string, step: Step): Promise<void> {
  const { app } = t
  const sale = await getSale(app, id)
  switch (step.do) {
    case 'deposit':
      await addDeposit(t, sale, step)
      return
    case 'payout ends':
      await endSaleEffects(t, id, 'bank_transfer', step.as)
      return
    case 'return ends':
      await endSaleEffects(t, id, 'coin_transfer', step.as)
      return
    case 'seen becomes': {
      const finalAt = step.state === 'final' ? app.clock.now() : null
      await app.db
        .updateTable('deposits')
        .set({ state: step.state, finalAt })
        .where('saleId', '=', id)
        .where('state', '=', 'seen')
        .execute()
      return
    }
    case 'time passes':
      return t.advance(step.ms)
    case 'prices vanish':
      await addFaults(app, { provider: 'price', kind: 'stale', count: 1 })
      return app.pricing.prices.refresh()
    case 'release':
      return tried(releaseSale(app, id, CHANGE))
    case 'pay again':
      return tried(payAgain(id))
    case 'return':
      return tried(returnSale(app, id, { ...CHANGE, wallet: sale.refundWallet ? null : STRANGER }))
    case 'abandon':
      return tried(abandonSale(app, id, CHANGE))
    case 'ban':
      await app.db
        .updateTable('customers')
        .set({ bannedAt: app.clock.now() })
        .where('id', '=', sale.customerId)
        .execute()
      return
    case 'payout comes back':
      return comeBack(id)
  }
}

const payAgain = (id: string): Promise<void> =>
  paySaleAgain(t.app, id, {
    ...CHANGE,
    payee: () => ({ kind: 'iban', iban: payerIban('Ana elsewhere'), name: 'Ana' }),
  })

/** The receiving bank sends a payout back that was booked. */
async function comeBack(id: string): Promise<void> {
  await t.app.db.transaction().execute(async (trx) => {
    const payout = await trx
      .selectFrom('effects')
      .select(['id', 'reference', 'purpose', 'units', 'door'])
      .where('reference', '=', `sale:${id}`)
      .where('kind', '=', 'bank_transfer')
      .where('state', '=', 'confirmed')
      .orderBy('id')
      .limit(1)
      .forUpdate()
      .executeTakeFirst()
    if (!payout) return
    await trx.updateTable('effects').set({ state: 'cancelled' }).where('id', '=', payout.id).execute()
    const from = `transit:out:${payout.door.slice('bank:'.length)}`
    await takeBackPayout(t.app, trx, { ...payout, from, reason: 'account_closed' })
  })
}

/** Most steps are refused in most states; what matters is what is true afterwards. A mistake of ours is no refusal. */
async function tried(doing: Promise<unknown>): Promise<void> {
  await doing.catch((error: Error) => {
    if (error.constructor.name !== 'RefusedOperation') throw error
  })
}

/** Each unit that came is converted, returned, kept or held, once; what goes out never exceeds what came. */
async function checkSale(id: string): Promise<void> {
  const sale = await getSale(t.app, id)
  const coin = saleCoin(sale).id
  const effects = (await saleEffects(t.app, id)).filter(({ state }) => state !== 'cancelled')
  const payouts = effects.filter(({ kind }) => kind === 'bank_transfer')
  const live = payouts.filter(({ state }) => state !== 'confirmed' && state !== 'failed')
  assert.ok(live.length <= 1, 'at most one payout is on its way')
  const sum = (values: readonly { units: bigint }[]) => values.reduce((total, { units }) => total + units, 0n)
  const { rows } = await sql<{ outcome: string | null; asset: string; units: bigint }>`
    select outcome, asset, units from deposits where sale_id = ${id} and state = 'final'`.execute(t.app.db)
  assert.ok(
    rows.every(({ outcome }) => outcome !== null),
    'every deposit was worked off',
  )
  const credited = rows.filter(({ outcome }) => outcome === 'credited')
  assert.equal(sale.receivedUnits, sum(credited), 'what was counted is what came')
  assert.ok(heldCoins(sale) >= 0n, 'no coin is counted twice')
  const converted = sale.conversions.reduce((total, { units }) => total + BigInt(units), 0n)
  assert.equal(sale.convertedUnits, converted)
  const worth = sale.conversions.reduce((total, { fiatUnits }) => total + BigInt(fiatUnits), 0n)
  assert.equal(
    sum(payouts) + heldFiat(sale),
    worth,
    'what is paid out and held is what coins were converted to',
  )
  const back = effects.filter(({ kind }) => kind === 'coin_transfer')
  const uncounted = rows.filter(({ outcome }) => outcome === 'wrong_asset' || outcome === 'blocked')
  for (const asset of new Set(back.map((effect) => effect.asset))) {
    const most =
      sum(uncounted.filter((one) => one.asset === asset)) + (asset === coin ? sale.returnedUnits : 0n)
    assert.ok(sum(back.filter((one) => one.asset === asset)) <= most, `no more ${asset} goes back than came`)
  }
  await checkTold(id)
  checkWaiting(sale, back, payouts)
}

/** The integrator hears once of each transfer that the bank sent, even of one that came back later, and of no other. */
async function checkTold(id: string): Promise<void> {
  const { rows } = await sql`
    select from effects where reference = ${`sale:${id}`} and kind = 'bank_transfer' and txid is not null`.execute(
    t.app.db,
  )
  const told = (await saleEvents(t.app, id)).filter((type) => type === 'TRANSFER_RAMPOFF_FINISHED')
  assert.equal(told.length, rows.length, 'each transfer is told of once')
}

/** Whatever isn't over waits for something: a deadline, the bank, the chain, or coins that were seen. */
function checkWaiting(
  sale: Sale,
  returns: readonly { state: string }[],
  payouts: readonly { state: string }[],
): void {
  if (FINAL_SALE_STATES.has(sale.state)) {
    assert.equal(sale.dueAt, null)
    return
  }
  const moving = [...returns, ...payouts].some(({ state }) => state !== 'confirmed' && state !== 'failed')
  const waits = sale.dueAt !== null || moving || sale.state === 'started'
  assert.ok(waits, `${sale.state} waits for something`)
  if (sale.state === 'processing')
    assert.ok(payouts.some(({ state }) => state !== 'confirmed' && state !== 'failed'))
}

/** Somebody looks after it, and the bank and the chain do what they are told. */
async function comeToAnEnd(id: string): Promise<void> {
  const isOver = async (): Promise<boolean> => {
    const sale = await getSale(t.app, id)
    const open = (await saleEffects(t.app, id)).some(({ state }) => state === 'planned' || state === 'failed')
    return FINAL_SALE_STATES.has(sale.state) && !open
  }
  await take(id, { do: 'seen becomes', state: 'vanished' })
  for (let round = 0; round < 12 && !(await isOver()); round += 1) {
    await t.app.pricing.prices.refresh()
    // A lease of two real seconds would outlast all of this.
    await t.app.db.updateTable('sales').set({ leaseUntil: null }).where('id', '=', id).execute()
    await t.runLanes(...SALE_LANES)
    await endSaleEffects(t, id, 'coin_transfer', 'confirmed')
    await endSaleEffects(t, id, 'bank_transfer', 'confirmed')
    await checkSale(id)
    const { state } = await getSale(t.app, id)
    if (state === 'in_review') await take(id, round % 2 === 0 ? { do: 'release' } : { do: 'return' })
    else await t.advance(DAY + MINUTE)
  }
  const sale = await getSale(t.app, id)
  assert.ok(await isOver(), `${sale.state} is an end`)
  assert.equal(heldCoins(sale), 0n, 'nothing is held any more')
  assert.equal(heldFiat(sale), 0n, 'no money is left')
  assert.equal(await balanceOf(t.app.db, `customer:${id}:fiat`, 'EUR'), 0n)
  for (const asset of ['polygon:USDC', 'polygon:USDT']) {
    assert.equal(await balanceOf(t.app.db, `customer:${id}:coin`, asset), 0n)
  }
}
