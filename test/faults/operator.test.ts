import assert from 'node:assert/strict'
import { it } from 'node:test'
import { sql } from 'kysely'
import { effectNeeds } from '../../src/app-effects.ts'
import { cancelEffect, RefusedOperation } from '../../src/effects/operate-effects.ts'
import { settleOrder } from '../../src/effects/settle-order.ts'
import { paySaleAgain } from '../../src/offramp/review-sale.ts'
import type { Payee } from '../../src/offramp/sale.ts'
import { payerIban } from '../../src/providers/bank/simulated/incoming.ts'
import { MAGIC_PAYEES } from '../../src/providers/bank/simulated/magic.ts'
import { addFaults } from '../../src/providers/faults.ts'
import type { PaymentWorld } from '../support/payments.ts'
import { createRandom } from '../support/random.ts'
import { addSale, checkSaleBooks, deposit, getSale, settleBank, startSaleWorld } from '../support/sales.ts'
import { FULL } from './buyers.ts'

const SEEDS = FULL ? [171, 172, 173, 174, 175, 176] : [171]
const STEPS = FULL ? 300 : 120
/** So often a new sale is made: an operator finds something open at any time. */
const STEPS_OF_SALE = 6
const WHO = { who: 'operator', why: 'in a hurry' }
const sound = (name: string): Payee => ({ kind: 'iban', iban: payerIban(name), name: 'Ana Pérez' })
const rejecting: Payee = {
  kind: 'iban',
  iban: MAGIC_PAYEES.find(({ fate }) => fate.does === 'reject')!.value,
  name: 'Ana Pérez',
}

interface Order {
  id: string
  key: string
}

for (const seed of SEEDS) {
  it(`an operator cancels, settles and pays again at random while the bank loses answers, seed ${seed}: nobody is paid twice`, async (context) => {
    const random = createRandom(seed)
    const t = await startSaleWorld()
    const counts = new Map<string, number>()
    const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1)
    try {
      const sales: string[] = []
      const sell = async () => {
        const payee = random.chance(0.2) ? rejecting : sound(`seller ${sales.length}`)
        const sale = await addSale(t, { price: '0.900000', payee })
        await deposit(t, sale)
        sales.push(sale.id)
      }
      // Those before are over, or forgotten until the end.
      const pickSale = () => random.pick(sales.slice(-2))
      const acts = {
        lose: () => addFaults(t.app, { provider: 'bank', kind: 'lost_answer', count: 1 + random.below(2) }),
        fail: () => addFaults(t.app, { provider: 'bank', kind: 'fail', count: 1 + random.below(3) }),
        order: () => t.runLanes('payouts'),
        book: () => t.settle(),
        wait: () => t.advance(1_000 * 10 ** random.below(4)),
        again: () =>
          paySaleAgain(t.app, pickSale(), { ...WHO, payee: () => sound(`other ${random.below(9)}`) }),
        async cancel() {
          const order = await pickOrder(t, pickSale())
          if (order) await cancelEffect(effectNeeds(t.app), order.id, { ...WHO, become: 'cancelled' })
        },
        async settle() {
          const order = await pickOrder(t, pickSale())
          if (!order) return
          const truth = await stateAtBank(t, order)
          // The bank's word is true; that it got nothing is also said without asking it.
          const words = ['not-received', truth === undefined ? 'rejected' : BY_STATE[truth]!] as const
          await settleOrder(effectNeeds(t.app), order.id, { ...WHO, says: random.pick(words) })
        },
      }
      const names = Object.keys(acts) as (keyof typeof acts)[]
      for (let step = 0; step < STEPS; step += 1) {
        if (step % STEPS_OF_SALE === 0) await sell()
        const name = random.pick(names)
        try {
          await acts[name]()
          count(name)
        } catch (error) {
          if (!(error instanceof RefusedOperation)) throw error
          count(`${name} refused`)
        }
        await checkPaidOnce(t)
      }
      for (const kind of ['lost_answer', 'fail'] as const)
        await addFaults(t.app, { provider: 'bank', kind, count: 0 })
      for (const id of sales) await bringToEnd(t, id)
      await checkPaidOnce(t)
      await checkSaleBooks(t.app)
      context.diagnostic(JSON.stringify(Object.fromEntries(counts)))
    } finally {
      await t.stop()
    }
  })
}

const BY_STATE: Readonly<Record<string, 'booked' | 'rejected'>> = {
  accepted: 'booked',
  booked: 'booked',
  rejected: 'rejected',
}

async function pickOrder({ app }: PaymentWorld, saleId: string): Promise<Order | undefined> {
  const { rows } = await sql<Order>`
    select id, idempotency_key as key from effects
     where reference = ${`sale:${saleId}`} and kind = 'bank_transfer' order by created_at desc, id limit 1`.execute(
    app.db,
  )
  return rows[0]
}

async function stateAtBank({ app }: PaymentWorld, { key }: Order): Promise<string | undefined> {
  const { rows } = await sql<{ state: string }>`
    select state from simulated.bank_transfers where idempotency_key = ${key}`.execute(app.db)
  return rows[0]?.state
}

/** The bank's own table is the witness. */
async function checkPaidOnce({ app }: PaymentWorld): Promise<void> {
  const { rows } = await sql`
    select concept, count(*) from simulated.bank_transfers
     where direction = 'out' and starts_with(concept, 'Sale ') and state in ('accepted', 'booked')
     group by concept having count(*) > 1`.execute(app.db)
  assert.deepEqual(rows, [])
}

/** The bank works again: what is left goes by itself, or is paid again. */
async function bringToEnd(t: PaymentWorld, id: string): Promise<void> {
  for (let round = 0; round < 5; round += 1) {
    await t.advance(2 * 86_400_000)
    await settleBank(t)
    const { state, reviewReason } = await getSale(t.app, id)
    if (state === 'finished') return
    if (state === 'in_review' && reviewReason === 'payout_failed')
      await paySaleAgain(t.app, id, { ...WHO, payee: () => sound('at last') })
  }
  assert.equal((await getSale(t.app, id)).state, 'finished')
}
