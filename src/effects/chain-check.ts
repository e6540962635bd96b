import type { ChainSetup } from '../providers/chain/setup.ts'
import {
  beginEpoch,
  findKnownChain,
  fundLocalWallets,
  haltChain,
  type KnownChain,
  registerChain,
} from './chain-register.ts'
import { type EffectNeeds, lanesOfChain } from './model.ts'
import { firstOpenNonce, haltIfAhead } from './nonce-line.ts'
import { listHotWallets } from './reserve-store.ts'

/** A final block that is missing at one look may be a node that lags; missing for so long, in real time, it is gone. */
const MISSING_FOR_MS = 4_000

/** Looks whether the chain still is the one the platform knows, and whether the wallets' lines agree with it. */
export function createChainCheck(needs: EffectNeeds, setup: ChainSetup): () => Promise<number> {
  let missingSince: number | null = null

  return async () => {
    const known = await findKnownChain(needs, setup.chain)
    if (!known) {
      await registerChain(needs, setup)
      return 0
    }
    const { genesisHash } = await setup.provider.identify()
    if (genesisHash !== known.genesisHash) return meetOtherChain(known, genesisHash)
    if (await isCheckpointMissing(known)) return 0
    for (const wallet of await listHotWallets(needs.db, setup.chain)) {
      const nonces = await setup.provider.nonces(wallet.address)
      if (wallet.open) await haltIfAhead(needs, wallet, nonces)
      // A new local chain counts from zero: the wallet's line goes on where it was, so no old transaction fits it.
      const behind = nonces.latest < (await firstOpenNonce(needs, setup.chain, wallet.address))
      if (behind && needs.sandbox?.has(setup.chain)) await fundLocalWallets(needs, setup)
    }
    return 0
  }

  async function meetOtherChain(known: KnownChain, genesisHash: string): Promise<number> {
    if (!needs.sandbox?.has(setup.chain)) {
      await haltChain(
        needs,
        setup.chain,
        `other_chain: the node's chain begins with ${genesisHash}, ours with ${known.genesisHash}`,
      )
      return 0
    }
    await beginEpoch(needs, setup, known, genesisHash)
    await fundLocalWallets(needs, setup)
    needs.wake(lanesOfChain(setup.chain).dispatch)
    return 1
  }

  /** A block that was final is gone: what was recorded as sent may not have been, and no rule can repair that. */
  async function isCheckpointMissing(known: KnownChain): Promise<boolean> {
    const [block] = await setup.provider.blocks([known.checkpointHeight])
    if (block?.hash === known.checkpointHash) {
      missingSince = null
      return false
    }
    const nowMs = needs.clock.real().getTime()
    missingSince ??= nowMs
    if (nowMs - missingSince >= MISSING_FOR_MS) {
      await haltChain(
        needs,
        setup.chain,
        `deep_reorganisation: block ${known.checkpointHeight} ${known.checkpointHash} was final and is no longer on the chain`,
      )
    }
    return true
  }
}
