import { numberToHex } from 'viem'
import type { SandboxFunding } from '../../effects/model.ts'
import { COIN_ASSETS } from '../../money/asset.ts'
import { powerOfTen } from '../../money/rounding.ts'
import type { SandboxChain } from './chains.ts'

/** What a hot wallet is filled up to, in whole coins. */
const WHOLE_COINS: Readonly<Record<string, bigint>> = {
  USDC: 100_000_000n,
  USDT: 100_000_000n,
  BUSD: 100_000_000n,
  ETH: 100_000n,
  POL: 100_000_000n,
  BNB: 100_000n,
}

/** Fills the hot wallets of the local chains from their treasuries. */
export function createSandboxFunding(chains: readonly SandboxChain[]): SandboxFunding {
  const find = (chain: string): SandboxChain | undefined => chains.find((one) => one.chain === chain)
  const get = (chain: string): SandboxChain => {
    const local = find(chain)
    if (!local) throw new Error(`The sandbox has no local chain called ${chain}.`)
    return local
  }
  const raiseNonce: SandboxFunding['raiseNonce'] = async (chain, address, nonce) => {
    const { provider, node } = get(chain)
    const { latest } = await provider.nonces(address)
    if (latest < nonce) await node().rpc.call('anvil_setNonce', address, numberToHex(nonce))
  }
  return {
    has: (chain) => find(chain) !== undefined,
    raiseNonce,
    async prepareWallet(chain, address, nonce) {
      const local = get(chain)
      // First the count, then the coins: without coins nothing that was signed for a lost chain could be paid for.
      await raiseNonce(chain, address, nonce)
      const targets = COIN_ASSETS.filter((asset) => asset.chain === chain).map(({ symbol, decimals }) => ({
        symbol,
        units: (WHOLE_COINS[symbol] ?? 0n) * powerOfTen(decimals),
      }))
      await local.treasury.topUp(address, targets)
    },
  }
}
