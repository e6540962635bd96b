import { it } from 'node:test'
import { FULL } from './buyers.ts'
import { installKillPoints, KILL_POINTS, type KillPointName, type Moment } from './kill-points.ts'
import { inSellWorld } from './sell-world.ts'

const SEED = 121
const PAIRS = [['polygon', 'USDC']] as const
const MOMENTS: readonly Moment[] = FULL ? ['before', 'after'] : ['before']
/** The short run takes every so many of them, beginning with the seed's, and always these. */
const EVERY = 4
const ALWAYS: readonly KillPointName[] = ['the payout is known to be sent', 'the deposit is worked off']

for (const moment of MOMENTS) {
  it(`killed right ${moment} each step of a sale, seed ${SEED}: each deposit counts once, each payout leaves once`, (context) =>
    inSellWorld(context, { seed: SEED }, async (world) => {
      const { program, children, sellers, say } = world
      const points = await installKillPoints(program.databaseUrl)
      const names = (Object.keys(KILL_POINTS) as KillPointName[]).filter(
        (name, place) => FULL || place % EVERY === SEED % EVERY || ALWAYS.includes(name),
      )
      try {
        for (const name of names) {
          const reached = points.reach(name, moment)
          const selling = sellers.sell({ pairs: PAIRS })
          await reached
          await program.kill(children[0]!)
          await points.release()
          children[0] = await program.start()
          await selling
          say(`killed ${moment} ${name}`)
        }
        // What is left over from the last ones is done without another kill.
        await world.checkSales()
      } finally {
        await points.release()
        await points.close()
      }
    }))
}
