import { it } from 'node:test'
import { FULL } from './buyers.ts'
import { inWorld } from './world.ts'

/** Every seed that ever failed is here for good. */
const RUNS = FULL
  ? [
      { seed: 1, kills: 35, processes: 1 },
      { seed: 2, kills: 25, processes: 2 },
      { seed: 3, kills: 35, processes: 1 },
      { seed: 4, kills: 25, processes: 2 },
      { seed: 11, kills: 12, processes: 1 },
    ]
  : [
      { seed: 11, kills: 12, processes: 1 },
      { seed: 12, kills: 8, processes: 2 },
    ]
const PAYMENTS_A_KILL = 2
const LONGEST_LIFE_MS = 1_000
/** So that each life gets something done, on a slow machine too: a program that is always killed sells nothing. */
const SHORTEST_LIFE_MS = 100
const MOST_OPEN = 8
/** What fits under the card limit of one customer. */
const PAYMENTS_A_CUSTOMER = 20

for (const { seed, kills, processes } of RUNS) {
  it(`${kills} kills of ${processes} process(es), seed ${seed}: every paid payment arrives exactly once`, (context) =>
    inWorld(
      context,
      {
        seed,
        processes,
        customers: Math.ceil((kills * PAYMENTS_A_KILL) / PAYMENTS_A_CUSTOMER),
        receiverFails: 0.1,
      },
      async (world) => {
        const { program, children, buyers, random, say } = world
        const buying: Promise<unknown>[] = []
        let open = 0
        const buy = async (): Promise<void> => {
          open += 1
          await buyers.buy()
          open -= 1
        }
        for (let kill = 1; kill <= kills; kill += 1) {
          for (let n = 0; n < PAYMENTS_A_KILL && open < MOST_OPEN; n += 1) buying.push(buy())
          await new Promise((resolve) =>
            setTimeout(resolve, SHORTEST_LIFE_MS + random.below(LONGEST_LIFE_MS)),
          )
          const victim = random.below(children.length)
          await program.kill(children[victim]!)
          children[victim] = await program.start(victim === 0 ? 'all' : 'worker')
          if (kill % 10 === 0) say(`${kill} kills`)
        }
        await Promise.all(buying)
        await world.check()
      },
    ))
}
