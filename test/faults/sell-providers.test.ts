import assert from 'node:assert/strict'
import { it } from 'node:test'
import { FULL } from './buyers.ts'
import { inSellWorld } from './sell-world.ts'
import type { SaleCase } from './sellers.ts'

/** What a bank does to us besides refusing: it can't be reached, never answers, its answer is lost, it tells twice or late. */
const BANK = ['fail', 'lost_answer', 'hang', 'twice', 'late'] as const
const CHAIN = ['fail', 'reject', 'late', 'twice', 'lost_answer', 'hang'] as const
const KINDS: readonly SaleCase[] = ['exact', 'parts', 'too_little', 'wrong_coin']
const SEEDS = FULL ? [141, 142] : [141]

for (const seed of SEEDS) {
  it(`the bank and the chain's node fail, hang, lose answers, tell twice and late, seed ${seed}: each payout leaves once`, (context) =>
    inSellWorld(context, { seed }, async (world) => {
      const { random, say, sellers, buyers } = world
      const kinds = ['refused', 'rejected', 'sent_back', ...KINDS] as const
      for (let round = 0; round < (FULL ? 12 : CHAIN.length); round += 1) {
        const bank = BANK[round] ?? random.pick(BANK)
        const chain = CHAIN[round] ?? random.pick(CHAIN)
        // A call that hangs takes ten seconds of a lane.
        await world.order('bank', bank, bank === 'hang' ? 1 : 1 + random.below(3))
        await world.order('chain', chain, chain === 'hang' ? 1 : 1 + random.below(3))
        await world.sellAll([kinds[round] ?? random.pick(KINDS), random.pick(KINDS)])
        // What is told late is told after half a minute of the platform's clock.
        await world.pass(40)
      }
      say('the bank and the node misbehaved')
      await world.meetFaults(async () => {
        await sellers.sell()
        await world.pass(40)
      })
      await world.closeWindows()
      await world.checkSales()
      const { data } = await buyers.api('GET', '/api/sandbox')
      assert.deepEqual(data.faults, [])
    }))
}
