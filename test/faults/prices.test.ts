import assert from 'node:assert/strict'
import { it } from 'node:test'
import { eventually } from '../support/app.ts'
import type { Answer } from './buyers.ts'
import { type FaultWorld, inWorld } from './world.ts'

const PRICE_MAX_AGE = '3s'
/** The sources are asked once a second: they are away well beyond the age a price may have. */
const ROUNDS_AWAY = 9

for (const kind of ['fail', 'stale'] as const) {
  it(`the price sources ${kind === 'fail' ? 'stop' : 'tell old prices'}: no quote rather than an old one, and then it goes on`, (context) =>
    inWorld(context, { seed: 31, customers: 2, env: { PRICE_MAX_AGE } }, async (world) => {
      const { buyers, say } = world
      assert.equal((await quote(world)).status, 'ok')
      await buyers.buy()
      await world.order('price', kind, ROUNDS_AWAY)
      const orderedAt = performance.now()
      await eventually('no quote', async () => (await quote(world)).error === 'price_unavailable')
      say(`no quote ${Math.round(performance.now() - orderedAt)} ms after the order`)
      // Whoever creates a payment now is told to come back, and does, until there is a price.
      const waiting = buyers.buy()
      for (let look = 0; look < 10; look += 1) {
        assert.equal((await quote(world)).error, 'price_unavailable')
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      await eventually('quotes again', async () => (await quote(world)).status === 'ok', 60_000)
      await waiting
      await world.check()
    }))
}

async function quote({ buyers }: FaultWorld): Promise<Answer> {
  const answer = await buyers.once('GET', '/api/quote?amount=50&symbol=USDC&chain=polygon&payment_type=card')
  assert.ok(answer, 'a quote was not answered')
  if (answer.status !== 'ok') assert.equal(answer.error, 'price_unavailable')
  return answer
}
