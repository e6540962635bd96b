import { setTimeout as sleep } from 'node:timers/promises'
import { type Hex, numberToHex } from 'viem'
import type { LocalNode } from './local-node.ts'

export interface MinerOptions {
  /** The node to mine on; asked each time, as it may have been replaced. */
  node: () => Pick<LocalNode, 'rpc'>
  /** How deep a block with transactions is buried before mining rests. */
  confirmations: number
  signal: AbortSignal
  /** Half a second unless told. */
  intervalMs?: number
  /** Called after each block. */
  onBlock: () => void
  /** Called with each failure to reach the node; mining goes on. */
  onFailure: (error: unknown) => Promise<void> | void
}

const INTERVAL_MS = 500

/**
 * Mines about twice a second while somebody waits for it: transactions in the node's pool, or a block with
 * transactions less deep than `confirmations`. Otherwise the chain stands still, so that an idle sandbox grows nothing.
 */
export async function runMiner({
  node,
  confirmations,
  signal,
  intervalMs = INTERVAL_MS,
  onBlock,
  onFailure,
}: MinerOptions): Promise<void> {
  while (!signal.aborted) {
    try {
      if (await isMiningDue(node(), confirmations)) {
        await mineBlock(node())
        onBlock()
      }
    } catch (error) {
      await onFailure(error)
    }
    await sleep(intervalMs, undefined, { signal }).catch(() => {
      // Ended while pausing: the loop's condition sees it.
    })
  }
}

export async function mineBlock(node: Pick<LocalNode, 'rpc'>): Promise<void> {
  await node.rpc.call('evm_mine')
}

async function isMiningDue({ rpc }: Pick<LocalNode, 'rpc'>, confirmations: number): Promise<boolean> {
  const latest = Number(await rpc.call('eth_blockNumber'))
  const first = Math.max(1, latest - confirmations + 2)
  const heights = Array.from({ length: Math.max(0, latest - first + 1) }, (_, index) => first + index)
  const [pool, ...counts] = await rpc.batch([
    { method: 'txpool_status', params: [] },
    ...heights.map((height) => ({
      method: 'eth_getBlockTransactionCountByNumber',
      params: [numberToHex(height)],
    })),
  ])
  const waiting = pool?.ok ? Number((pool.result as { pending: Hex }).pending) : 0
  return waiting > 0 || counts.some((count) => count.ok && Number(count.result) > 0)
}
