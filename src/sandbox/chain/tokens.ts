import { type Address, encodeDeployData, getContractAddress, type Hex, parseAbi } from 'viem'
import { COIN_ASSETS } from '../../money/asset.ts'
import disperse from '../../providers/chain/artifacts/Disperse.json' with { type: 'json' }
import sandboxToken from '../../providers/chain/artifacts/SandboxToken.json' with { type: 'json' }

/** What is deployed on a local chain, by the treasury's transaction of that nonce: the address follows from both. */
export interface Deployment {
  name: string
  nonce: number
  address: Address
  data: Hex
}

const tokenAbi = parseAbi(['constructor(string name, string symbol, uint8 decimals)'])

/** The deployments of a chain: `Disperse` first, then each token, always in the same order. */
export function deploymentsOf(chain: string, treasury: Address): Deployment[] {
  const tokens = COIN_ASSETS.filter((asset) => asset.chain === chain && asset.kind === 'token')
  const contracts = [
    { name: 'Disperse', data: disperse.bytecode as Hex },
    ...tokens.map(({ symbol, name, decimals }) => ({
      name: symbol,
      data: encodeDeployData({
        abi: tokenAbi,
        bytecode: sandboxToken.bytecode as Hex,
        args: [name, symbol, decimals],
      }),
    })),
  ]
  return contracts.map((contract, nonce) => ({
    ...contract,
    nonce,
    address: getContractAddress({ from: treasury, nonce: BigInt(nonce) }),
  }))
}
