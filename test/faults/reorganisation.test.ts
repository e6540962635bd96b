import assert from 'node:assert/strict'
import { it } from 'node:test'
import { FULL } from './buyers.ts'
import { type FaultWorld, inWorld } from './world.ts'

const SEEDS = FULL ? [71, 72, 73] : [71]
const PAYMENTS = FULL ? 60 : 12

for (const seed of SEEDS) {
  it(`blocks are replaced and transactions forgotten while coins leave, seed ${seed}: each wallet gets its amount once`, (context) =>
    inWorld(context, { seed }, async (world) => {
      const { say } = world
      const done = new AbortController()
      const disturbing = disturb(world, done.signal)
      try {
        for (let bought = 0; bought < PAYMENTS; bought += 4) {
          await world.buyMany(4)
          await new Promise((resolve) => setTimeout(resolve, world.random.below(1_000)))
        }
      } finally {
        done.abort()
      }
      const { reorganised, dropped } = await disturbing
      say(`${reorganised} blocks were replaced, ${dropped} transactions forgotten`)
      assert.ok(reorganised > 0 && dropped > 0, 'nothing was disturbed')
      await world.check()
    }))
}

/** Replaces the newest block, which is never final, when it holds transactions; forgets some of those that wait. */
async function disturb({ program, random }: FaultWorld, signal: AbortSignal) {
  const sum = { reorganised: 0, dropped: 0 }
  while (!signal.aborted) {
    for (const { url } of program.nodes()) {
      const pool = await call(url, 'txpool_content')
      const waiting = Object.values(pool.pending as Record<string, Record<string, { hash: string }>>)
        .flatMap((of) => Object.values(of))
        .map(({ hash }) => hash)
      const newest = await call(url, 'eth_getBlockByNumber', 'latest', false)
      if (waiting.length > 0 && random.chance(0.3)) {
        await call(url, 'anvil_dropTransaction', random.pick(waiting))
        sum.dropped += 1
      } else if (newest.transactions.length > 0 && random.chance(0.5)) {
        await call(url, 'anvil_reorg', 1, [])
        sum.reorganised += 1
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return sum
}

// biome-ignore lint/suspicious/noExplicitAny: what a node answers depends on the method.
async function call(url: string, method: string, ...params: unknown[]): Promise<any> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } }
  if (error) throw new Error(`${method}: ${error.message}`)
  return result
}
