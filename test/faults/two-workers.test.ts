import { it } from 'node:test'
import { FULL } from './buyers.ts'
import { inWorld } from './world.ts'

const SEED = 81
const WAVES = FULL ? 8 : 3
const AT_ONCE = FULL ? 40 : 15
/** None comes near what one customer may buy. */
const CUSTOMERS = FULL ? 24 : 6

it(`two processes that both work, seed ${SEED}: every paid payment arrives exactly once`, (context) =>
  inWorld(context, { seed: SEED, processes: 2, customers: CUSTOMERS, receiverFails: 0.05 }, async (world) => {
    for (let wave = 0; wave < WAVES; wave += 1) await world.buyMany(AT_ONCE)
    world.say('all are paid')
    await world.check()
  }))
