import type { SendResult } from '../providers/chain/port.ts'
import type { ChainSetup } from '../providers/chain/setup.ts'
import { ProviderError } from '../providers/provider-error.ts'
import { type EffectNeeds, lanesOfChain } from './model.ts'
import {
  claimUnsent,
  recordSends,
  releaseTransactions,
  type SendRecord,
  type Unsent,
} from './transaction-store.ts'

const SEND_AT_ONCE = 50
/** When a transaction that the node refused is sent again. */
const AGAIN_MS = 2_000

/**
 * Broadcasts stored transactions in the order of their nonces, as often as needed, the same bytes each time. Whatever
 * the node says, they count as sent unless it said that it does not have them: the watch finds out what became of
 * them. Answers how many are on their way now.
 */
export async function sendTransactions(needs: EffectNeeds, setup: ChainSetup): Promise<number> {
  const { db, clock } = needs
  const now = clock.now()
  const unsent = await claimUnsent(db, { chain: setup.chain, now, limit: SEND_AT_ONCE })
  if (unsent.length === 0) return 0
  const ids = unsent.map(({ id }) => id)
  let results: SendResult[] | ProviderError
  try {
    results = await broadcast(setup, unsent)
  } catch (error) {
    const lost = error instanceof ProviderError && error.outcome === 'unknown'
    if (!lost) {
      await releaseTransactions(db, ids)
      throw error
    }
    results = error
  }
  const dueAt = new Date(now.getTime() + AGAIN_MS)
  const records = unsent.map(({ id }, index): SendRecord => {
    if (results instanceof ProviderError) return { id, sent: true, reason: results.message, dueAt }
    const result = results[index]!
    if (result.state === 'taken') return { id, sent: true, reason: null, dueAt }
    return { id, sent: result.state !== 'rejected', reason: `${result.state}: ${result.reason}`, dueAt }
  })
  await recordSends(db, records, { now, realNow: clock.real() })
  needs.wake(lanesOfChain(setup.chain).watch)
  return records.filter(({ sent }) => sent).length
}

/** A node with another first block is not the chain these were signed for: nothing is sent. */
async function broadcast(setup: ChainSetup, unsent: readonly Unsent[]): Promise<SendResult[]> {
  const { genesisHash } = await setup.provider.identify().catch((error) => {
    // Asking changes nothing: however it ended, nothing was sent.
    throw new ProviderError(setup.chain, 'not_sent', 'the node did not say which chain it has', {
      cause: error,
    })
  })
  if (unsent.some((one) => one.genesisHash !== genesisHash)) {
    throw new ProviderError(
      setup.chain,
      'not_sent',
      `the node has another chain, beginning with ${genesisHash}`,
    )
  }
  return setup.provider.send(unsent.map(({ raw }) => raw))
}
