import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { findCommonBlock } from './read-blocks.ts'
import { findScan, recordRead } from './scan-store.ts'
import { type BlockReader, depositsLaneOf } from './watch-deposits.ts'

/** So far below everything that is known it is begun again, when nothing of it is on the chain. */
const BEGIN_BELOW = 1_000

/**
 * An operator has seen that a block is gone in which a deposit was final. The reading goes on from where the chain
 * forked: what was only seen there vanishes, what was final stays final, and what the chain holds now is read. Answers
 * the height it goes on from. Throws `RefusedOperation` where nothing waits for it.
 */
export async function acceptReorganisation(
  { db, clock, wake }: Pick<App, 'db' | 'clock' | 'wake'>,
  { chain, provider }: { chain: string; provider: Pick<BlockReader, 'identify' | 'heads' | 'blocks'> },
  { who, why }: { who: string; why: string },
): Promise<number> {
  const scan = await findScan(db, chain)
  if (!scan?.heldReason?.startsWith('deep_reorganisation'))
    throw new RefusedOperation(`The deposits on ${chain} wait for no such decision.`)
  const [{ genesisHash }, { latest }] = await Promise.all([provider.identify(), provider.heads()])
  if (genesisHash !== scan.genesisHash)
    throw new RefusedOperation(`The node of ${chain} has another chain: it begins with ${genesisHash}.`)
  const { common, oldest } = await findCommonBlock({ db }, provider, scan, latest)
  const [below] = common ? [common] : await provider.blocks([Math.max(0, oldest - BEGIN_BELOW)])
  if (!below) throw new RefusedOperation(`The node of ${chain} does not answer with its blocks; try again.`)
  const { height, hash } = below
  const now = clock.now()
  const written = await recordRead(
    db,
    scan,
    { base: { height, hash }, blocks: [{ height, hash }], deposits: [] },
    now,
    async (trx) => {
      await trx.updateTable('chainScans').set({ heldReason: null }).where('chain', '=', chain).execute()
      const target = `${depositsLaneOf(chain)} ${scan.height} ${scan.hash} → ${height} ${hash}`
      await recordAudit(trx, now, { who, why, action: 'deposits.accept', target })
    },
  )
  if (!written) throw new RefusedOperation(`The reading of ${chain} has just moved on; look again.`)
  wake(depositsLaneOf(chain))
  return height
}
