import { sql } from 'kysely'
import { haltDoor } from './doors.ts'
import type { EffectNeeds } from './model.ts'
import { type DoorWallet, lockOpenWallet } from './reserve-store.ts'

/**
 * Halts a wallet of which the chain counts more transactions than we made: a backup was restored, or its key is used
 * elsewhere. Looked at again under lock, as this process or another may have moved the line meanwhile. Answers
 * whether nothing may leave.
 */
export async function haltIfAhead(
  needs: EffectNeeds,
  wallet: DoorWallet,
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

/** The nonce that the chain must count up to for the wallet's line to go on: that of its first open transaction. */
export async function firstOpenNonce(
  needs: Pick<EffectNeeds, 'db'>,
  chain: string,
  address: string,
): Promise<number> {
  const { rows } = await sql<{ nonce: number }>`
    select coalesce(min(t.nonce), max(w.next_nonce)) as nonce
      from wallets w left join chain_transactions t
        on t.chain = w.chain and t.wallet = w.address and t.epoch = w.epoch
       and t.state in ('reserved', 'prepared', 'sent')
     where w.chain = ${chain} and w.address = ${address}`.execute(needs.db)
  return rows[0]!.nonce
}
