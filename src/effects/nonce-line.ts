import { haltDoor } from './doors.ts'
import type { EffectNeeds } from './model.ts'
import { type HotWallet, lockOpenWallet } from './reserve-store.ts'

/**
 * Halts a wallet of which the chain counts more transactions than we made: a backup was restored, or its key is used
 * elsewhere. Looked at again under lock, as this process or another may have moved the line meanwhile. Answers
 * whether nothing may leave.
 */
export async function haltIfAhead(
  needs: EffectNeeds,
  wallet: HotWallet,
  { latest, pending }: { latest: number; pending: number },
): Promise<boolean> {
  const counted = Math.max(latest, pending)
  if (counted <= wallet.nextNonce) return false
  return needs.db.transaction().execute(async (trx) => {
    const locked = await lockOpenWallet(trx, wallet)
    if (!locked) return true
    const ahead = counted - locked.nextNonce
    if (ahead <= 0) return false
    const reason = `nonce_ahead: the chain counts ${counted} transactions of ${wallet.address} (${latest} of them in blocks), we know of ${locked.nextNonce}; ${ahead} were made elsewhere, or after the backup that was restored`
    await haltDoor(trx, needs, wallet.door, reason)
    return true
  })
}
