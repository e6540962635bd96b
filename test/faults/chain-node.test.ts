import assert from 'node:assert/strict'
import { it } from 'node:test'
import { FULL } from './buyers.ts'
import { inWorld } from './world.ts'

/** What a node does to us: it can't be reached, refuses, is late, takes everything twice, or breaks the connection after it took it. */
const KINDS = ['fail', 'reject', 'late', 'twice', 'lost_answer', 'hang'] as const
const SEEDS = FULL ? [21, 22, 23] : [21]
const ROUNDS = FULL ? 12 : 6

for (const seed of SEEDS) {
  it(`the chain's node misbehaves while customers buy, seed ${seed}: each wallet gets its coins once`, (context) =>
    inWorld(context, { seed, customers: FULL ? 12 : 4 }, async (world) => {
      const { buyers, random } = world
      for (let round = 0; round < ROUNDS; round += 1) {
        // Each kind at least once; a call that hangs takes ten seconds of a lane.
        const kind = KINDS[round] ?? random.pick(KINDS)
        await world.order('chain', kind, kind === 'hang' ? 1 : 1 + random.below(4))
        await world.buyMany(3)
      }
      await world.order('chain', 'lost_answer', 3)
      await world.buyMany(6)
      await world.meetFaults(() => buyers.buy())
      await world.check()
      const { data } = await buyers.api('GET', '/api/sandbox')
      assert.deepEqual(data.faults, [])
    }))
}
