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

export interface MainnetOptions {
  url: string
  /** Another node, which must agree before a deposit is final. */
  secondUrl: string | undefined
  /** How deep is final; undefined: what is usual on the chain. */
  confirmations: number | undefined
  /** Null: payments go singly. */
  disperse: Address | null
}

/** A real chain behind the operator's node. */
export function mainnetSetup(
  chain: string,
  { url, secondUrl, confirmations, disperse }: MainnetOptions,
): ChainSetup {
  const mainnet = MAINNETS[chain]
  if (!mainnet) throw new Error(`There is no configuration for a chain called ${chain}.`)
  return {
    chain,
    chainId: mainnet.chainId,
    confirmations: confirmations ?? mainnet.confirmations,
    provider: createEvmProvider({ chain, url }),
    witness:
      secondUrl === undefined ? null : createEvmProvider({ chain: `${chain} (second node)`, url: secondUrl }),
    tokens: mainnet.tokens,
    disperse,
    explorerUrl: (txid) => `${mainnet.explorer}${txid}`,
  }
}
