import { after, before, describe, it } from 'node:test'
import { createRandom } from '../support/random.ts'
import { createBuyers } from './buyers.ts'
import { checkInvariants } from './invariants.ts'
import { openProgram, type Program } from './program.ts'
import { type FaultyReceiver, startFaultyReceiver } from './receiver.ts'

const FULL = process.env.FAULTS === 'full'
/** Every seed that ever failed is here for good. */
const RUNS = FULL
  ? [
      { seed: 1, kills: 70, processes: 1 },
      { seed: 2, kills: 50, processes: 2 },
    ]
  : [
      { seed: 11, kills: 12, processes: 1 },
      { seed: 12, kills: 8, processes: 2 },
    ]
const PAYMENTS_A_KILL = 3
const LONGEST_LIFE_MS = 1_500

for (const { seed, kills, processes } of RUNS) {
  describe(`${kills} kills of ${processes} process(es), seed ${seed}`, () => {
    let program: Program
    let receiver: FaultyReceiver
    const random = createRandom(seed)
    before(async () => {
      program = await openProgram()
      receiver = await startFaultyReceiver(createRandom(seed + 1000), 0.1)
    })
    after(async () => {
      await program.stop()
      await receiver.stop()
    })

    it('every paid payment arrives exactly once', async (context) => {
      context.diagnostic(`seed ${seed}`)
      const buyers = createBuyers(program.url, random)
      const children = [await program.start()]
      while (children.length < processes) children.push(await program.start('worker'))
      await buyers.prepare(12)
      for (const type of ['PAY_IN', 'COINS_SENT'])
        await buyers.api('POST', '/api/subscribeToWebhook', { type, url: receiver.url })
      const buying: Promise<void>[] = []
      for (let kill = 0; kill < kills; kill += 1) {
        for (let n = 0; n < PAYMENTS_A_KILL; n += 1) buying.push(buyers.buy())
        await new Promise((resolve) => setTimeout(resolve, random.below(LONGEST_LIFE_MS)))
        const victim = random.below(children.length)
        await program.kill(children[victim] as (typeof children)[number])
        children[victim] = await program.start(victim === 0 ? 'all' : 'worker')
      }
      await Promise.all(buying)
      await checkInvariants(program, buyers, receiver)
    })
  })
}
