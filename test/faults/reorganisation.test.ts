import assert from 'node:assert/strict'
import { it } from 'node:test'
import { FULL } from './buyers.ts'
import { type FaultWorld, inWorld } from './world.ts'

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

/** Replaces the newest block, which is never final, when it holds transactions; forgets some of those that wait. */
async function disturb(
  { program, random }: FaultWorld,
  sum: { reorganised: number; dropped: number },
  signal: AbortSignal,
): Promise<void> {
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
