import { keccak256 } from 'viem'
import type { FaultKind } from '../faults.ts'
import { ProviderError } from '../provider-error.ts'
import type { ChainProvider } from './port.ts'

/** What may go wrong with a call that reads, and with one that sends. */
export const CHAIN_READING_FAULTS = ['fail', 'hang', 'late'] as const
export const CHAIN_SENDING_FAULTS = ['fail', 'reject', 'hang', 'late', 'lost_answer', 'twice'] as const
type Fault = Extract<FaultKind, (typeof CHAIN_SENDING_FAULTS)[number]>

export interface FaultyOptions {
  /** The fault of one of these kinds that was ordered for this call, if any. */
  takeFault: (kinds: readonly Fault[]) => Promise<Fault | undefined>
  /** Waits in real time. */
  wait: (ms: number) => Promise<void>
  /** How late a late answer comes, and after how long a hanging call is given up. */
  lateMs?: number
  timeoutMs?: number
}

/**
 * A chain whose node misbehaves as ordered. `fail`: it can't be reached. `hang`: it never answers. `late`: it
 * answers after a while. When sending also `reject`: it refuses; `lost_answer`: it takes the transactions and the
 * connection breaks before its answer; `twice`: it gets everything twice.
 */
export function createFaultyChain(provider: ChainProvider, options: FaultyOptions): ChainProvider {
  const { takeFault, wait, lateMs = 1_500, timeoutMs = 10_000 } = options
  const { chain } = provider
  const ordered = '(a fault of the sandbox)'

  async function meet(fault: Fault | undefined): Promise<void> {
    if (fault === 'fail') throw new ProviderError(chain, 'not_sent', `the node can't be reached ${ordered}`)
    if (fault === 'late') await wait(lateMs)
    if (fault !== 'hang') return
    await wait(timeoutMs)
    throw new ProviderError(chain, 'unknown', `the node did not answer in time ${ordered}`)
  }

  async function reading<T>(call: () => Promise<T>): Promise<T> {
    await meet(await takeFault(CHAIN_READING_FAULTS))
    return call()
  }

  return {
    chain,
    identify: () => reading(() => provider.identify()),
    heads: () => reading(() => provider.heads()),
    blocks: (heights) => reading(() => provider.blocks(heights)),
    balances: (of) => reading(() => provider.balances(of)),
    nonces: (address) => reading(() => provider.nonces(address)),
    nativeBalancesAt: (addresses, blockHash) =>
      reading(() => provider.nativeBalancesAt(addresses, blockHash)),
    transactionCounts: (addresses, blockHash) =>
      reading(() => provider.transactionCounts(addresses, blockHash)),
    fees: () => reading(() => provider.fees()),
    simulate: (calls) => reading(() => provider.simulate(calls)),
    estimateGas: (calls) => reading(() => provider.estimateGas(calls)),
    receipts: (hashes) => reading(() => provider.receipts(hashes)),
    movements: (hash) => reading(() => provider.movements(hash)),
    transfersIn: (blocks, coins) => reading(() => provider.transfersIn(blocks, coins)),
    transfersBetween: (from, last, coins) => reading(() => provider.transfersBetween(from, last, coins)),
    transactions: (hashes) => reading(() => provider.transactions(hashes)),

    async send(raws) {
      const fault = await takeFault(CHAIN_SENDING_FAULTS)
      await meet(fault)
      if (fault === 'reject') {
        const hashes = raws.map((raw) => keccak256(raw))
        return hashes.map((hash) => ({ state: 'rejected', hash, reason: `refused ${ordered}` }))
      }
      const results = await provider.send(raws)
      if (fault === 'twice') return provider.send(raws)
      if (fault !== 'lost_answer') return results
      throw new ProviderError(chain, 'unknown', `the connection broke before the answer ${ordered}`)
    },
  }
}
