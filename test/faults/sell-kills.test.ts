import { it } from 'node:test'
import { FULL } from './buyers.ts'
import { inSellWorld } from './sell-world.ts'
import type { SaleCase } from './sellers.ts'

/** Every seed that ever failed is here for good. */
const RUNS = FULL
  ? [
      { seed: 101, kills: 35, processes: 1 },
      { seed: 102, kills: 25, processes: 2 },
      { seed: 103, kills: 25, processes: 1 },
      { seed: 104, kills: 20, processes: 2 },
    ]
  : [{ seed: 111, kills: 10, processes: 1 }]
const LONGEST_LIFE_MS = 1_500
/** So that each life gets something done, on a slow machine too: a program that is always killed sells nothing. */
const SHORTEST_LIFE_MS = 200
const MOST_OPEN = 8
/** Of the kills, those while sales wait for coins; the others come when their windows have passed. */
const PART_IN_TIME = 0.7
const KINDS: readonly SaleCase[] = [
  'exact',
  'exact',
  'more',
  'parts',
  'blocked',
  'less',
  'too_little',
  'late',
  'nothing',
  'wrong_coin',
  'wrong_alone',
  'dust',
  'refused',
  'rejected',
  'sent_back',
]

for (const { seed, kills, processes } of RUNS) {
  it(`${kills} kills of ${processes} process(es) while customers sell, seed ${seed}: each deposit counts once, each payout leaves once`, (context) =>
    inSellWorld(context, { seed, processes, receiverFails: 0.1 }, async (world) => {
      const { program, children, sellers, random, say } = world
      const kill = async (): Promise<void> => {
        await new Promise((resolve) => setTimeout(resolve, SHORTEST_LIFE_MS + random.below(LONGEST_LIFE_MS)))
        const victim = random.below(children.length)
        await program.kill(children[victim]!)
        children[victim] = await program.start(victim === 0 ? 'all' : 'worker')
      }
      const selling: Promise<unknown>[] = []
      let open = 0
      const sell = async (kind: SaleCase): Promise<void> => {
        open += 1
        await sellers.sell({ kind })
        open -= 1
      }
      // Each case at least once, whatever the seed.
      const kinds = [...KINDS]
      const inTime = Math.round(kills * PART_IN_TIME)
      for (let n = 0; n < inTime; n += 1) {
        for (let more = 0; more < 2 && open < MOST_OPEN; more += 1) {
          const kind = kinds.length > 0 ? kinds.splice(random.below(kinds.length), 1)[0]! : random.pick(KINDS)
          selling.push(sell(kind))
        }
        await kill()
      }
      for (const kind of kinds) selling.push(sell(kind))
      await Promise.all(selling)
      say(`${sellers.sold.length} sales have the coins that come in time`)
      let closed = false
      const closing = world.closeWindows().finally(() => {
        closed = true
      })
      for (let n = inTime; n < kills || !closed; n += 1) {
        if (n < kills) await kill()
        else await closing
      }
      await closing
      await world.checkSales()
    }))
}
