import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Address,
  encodeAbiParameters,
  type Hex,
  hexToBigInt,
  hexToNumber,
  keccak256,
  numberToHex,
  pad,
} from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { loadConfig } from '../src/kernel/config.ts'
import { createJsonRpc, type JsonRpc } from '../src/providers/chain/json-rpc.ts'
import { transferData } from '../src/providers/chain/tokens.ts'
import { createMnemonicCustody } from '../src/providers/custody/local-mnemonic.ts'
import { SANDBOX_CHAIN_IDS, SANDBOX_CONFIRMATIONS, TREASURY_KEY_REF } from '../src/sandbox/chain/chains.ts'
import { deploymentsOf } from '../src/sandbox/chain/tokens.ts'
import type { World } from './world.ts'

const CHAIN = 'polygon'
const LOOK_MS = 50

/** The program's own local node, and the addresses of its USDC and of the contract that sends to many. */
export interface ChainNode {
  rpc: JsonRpc
  usdc: Address
  disperse: Address
}

export async function openNode(world: World): Promise<ChainNode> {
  const { port } = JSON.parse(readFileSync(join(world.dataDir, 'chains', CHAIN, 'node.json'), 'utf8'))
  const rpc = createJsonRpc({
    name: CHAIN,
    url: () => `http://127.0.0.1:${port}`,
    timeoutMs: 30_000,
    batchSize: 100,
  })
  const treasury = await createMnemonicCustody(loadConfig(world.env).walletMnemonic).address(TREASURY_KEY_REF)
  const find = (wanted: string): Address =>
    deploymentsOf(CHAIN, treasury).find(({ name }) => name === wanted)!.address
  return { rpc, usdc: find('USDC'), disperse: find('Disperse') }
}

/** A wallet of nobody's with coins and gas. */
export async function fundWallet({ rpc, usdc }: ChainNode): Promise<PrivateKeyAccount> {
  const account = privateKeyToAccount(generatePrivateKey())
  await rpc.call('anvil_setBalance', account.address, numberToHex(10n ** 24n))
  // Where OpenZeppelin's ERC-20 keeps balances: the mapping in its first slot.
  const slot = keccak256(
    encodeAbiParameters([{ type: 'address' }, { type: 'uint256' }], [account.address, 0n]),
  )
  await rpc.call('anvil_setStorageAt', usdc, slot, pad(numberToHex(10n ** 18n), { size: 32 }))
  return account
}

/**
 * The bare loop: signs a transfer, sends it, goes on with the next; at the end waits until the last is as deep as the
 * program asks.
 */
export async function signAndSend(
  { rpc, usdc }: ChainNode,
  account: PrivateKeyAccount,
  transfers: readonly { to: Address; units: bigint }[],
): Promise<void> {
  const block = (await rpc.call('eth_getBlockByNumber', 'latest', false)) as { baseFeePerGas: Hex }
  const first = hexToNumber((await rpc.call('eth_getTransactionCount', account.address, 'latest')) as Hex)
  let hash: unknown
  for (const [place, { to, units }] of transfers.entries()) {
    const raw = await account.signTransaction({
      type: 'eip1559',
      chainId: SANDBOX_CHAIN_IDS[CHAIN]!,
      nonce: first + place,
      to: usdc,
      data: transferData(to, units),
      gas: 100_000n,
      maxFeePerGas: 100n * hexToBigInt(block.baseFeePerGas) + 10n ** 10n,
      maxPriorityFeePerGas: 10n ** 9n,
    })
    hash = await rpc.call('eth_sendRawTransaction', raw)
  }
  for (;;) {
    const receipt = (await rpc.call('eth_getTransactionReceipt', hash)) as {
      blockNumber: Hex
      status: Hex
    } | null
    const height = hexToNumber((await rpc.call('eth_blockNumber')) as Hex)
    if (receipt && receipt.status !== '0x1') throw new Error('A transfer of the bare loop was reverted.')
    if (receipt && height - hexToNumber(receipt.blockNumber) + 1 >= SANDBOX_CONFIRMATIONS) return
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

/** The gas that these transactions used together. */
export async function sumGas({ rpc }: ChainNode, hashes: readonly string[]): Promise<number> {
  const answers = await rpc.batch(
    hashes.map((hash) => ({ method: 'eth_getTransactionReceipt', params: [hash] })),
  )
  return answers.reduce((sum, answer, place) => {
    if (!answer.ok || !answer.result) throw new Error(`There is no receipt of ${hashes[place]}.`)
    return sum + hexToNumber((answer.result as { gasUsed: Hex }).gasUsed)
  }, 0)
}
