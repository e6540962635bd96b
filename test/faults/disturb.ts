import { reorganise } from './reorganise.ts'
import { callNode } from './senders.ts'
import type { FaultWorld } from './world.ts'

/** Replaces the newest block, which is never final, when it holds transactions; forgets some of those that wait. */
export async function disturb(
  { program, random }: FaultWorld,
  sum: { reorganised: number; dropped: number },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    for (const { url } of program.nodes()) {
      const pool = await callNode(url, 'txpool_content')
      const waiting = Object.values(pool.pending as Record<string, Record<string, { hash: string }>>)
        .flatMap((of) => Object.values(of))
        .map(({ hash }) => hash)
      const newest = await callNode(url, 'eth_getBlockByNumber', 'latest', false)
      if (waiting.length > 0 && random.chance(0.3)) {
        await callNode(url, 'anvil_dropTransaction', random.pick(waiting))
        sum.dropped += 1
      } else if (newest.transactions.length > 0 && random.chance(0.5)) {
        await reorganise(program, url)
        sum.reorganised += 1
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
