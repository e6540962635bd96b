import type { Address } from 'viem'
import { createEvmProvider } from './evm.ts'
import type { ChainSetup } from './setup.ts'

interface Mainnet {
  chainId: number
  confirmations: number
  tokens: Record<string, Address>
  explorer: string
}

/**
 * The real chains. Token contracts as their issuers name them: Circle's native USDC and Tether on Polygon, WETH of
 * the Polygon bridge; Binance-Peg USDC and BUSD on BNB Smart Chain.
 */
export const MAINNETS: Readonly<Record<string, Mainnet>> = {
  polygon: {
    chainId: 137,
    confirmations: 64,
    tokens: {
      USDC: '0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359',
      USDT: '0xc2132D05D31c914a87C6611C10748AEb04B58e8F',
      ETH: '0x7ceB23fD6bC0adD59E62ac25578270cFf1b9f619',
    },
    explorer: 'https://polygonscan.com/tx/',
  },
  bsc: {
    chainId: 56,
    confirmations: 15,
    tokens: {
      USDC: '0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d',
      BUSD: '0xe9e7CEA3DedcA5984780Bafc599bD69ADd087D56',
    },
    explorer: 'https://bscscan.com/tx/',
  },
}

/** A real chain behind the operator's node; without a disperse contract its payments go singly. */
export function mainnetSetup(chain: string, url: string, disperse: Address | null): ChainSetup {
  const mainnet = MAINNETS[chain]
  if (!mainnet) throw new Error(`There is no configuration for a chain called ${chain}.`)
  return {
    chain,
    chainId: mainnet.chainId,
    confirmations: mainnet.confirmations,
    provider: createEvmProvider({ chain, url }),
    tokens: mainnet.tokens,
    disperse,
    explorerUrl: (txid) => `${mainnet.explorer}${txid}`,
  }
}
