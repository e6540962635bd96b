import assert from 'node:assert/strict'
import { it } from 'node:test'
import { FULL } from './buyers.ts'
import { disturb } from './disturb.ts'
import { inWorld } from './world.ts'

const SEEDS = FULL ? [71, 72, 73] : [71]
const PAYMENTS = FULL ? 60 : 12
/** Until then it is waited for both disturbances. */
const MOST_PAYMENTS = 72

for (const seed of SEEDS) {
  it(`blocks are replaced and transactions forgotten while coins leave, seed ${seed}: each wallet gets its amount once`, (context) =>
    inWorld(context, { seed }, async (world) => {
      const { say } = world
      const done = new AbortController()
      const sum = { reorganised: 0, dropped: 0 }
      const disturbing = disturb(world, sum, done.signal)
      const isDisturbed = (): boolean => sum.reorganised > 0 && sum.dropped > 0
      try {
        for (let bought = 0; bought < PAYMENTS || (bought < MOST_PAYMENTS && !isDisturbed()); bought += 4) {
          await world.buyMany(4)
          await new Promise((resolve) => setTimeout(resolve, world.random.below(1_000)))
        }
      } finally {
        done.abort()
      }
      await disturbing
      say(`${sum.reorganised} blocks were replaced, ${sum.dropped} transactions forgotten`)
      assert.ok(isDisturbed(), 'nothing was disturbed')
      await world.check()
    }))
}
