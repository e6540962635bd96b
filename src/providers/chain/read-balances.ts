import { type Address, encodeDeployData, type Hex, hexToBigInt, parseAbi, size, slice } from 'viem'
import { ProviderError } from '../provider-error.ts'
import balances from './artifacts/Balances.json' with { type: 'json' }
import { type JsonRpc, type RpcCall, resultOf } from './json-rpc.ts'

/** The answer is read like a contract's code, of which no chain allows more than 24,576 bytes. */
const ADDRESSES_A_CALL = 500
const BYTES_A_BALANCE = 32

const abi = parseAbi(['constructor(address[] held)'])

/**
 * What addresses hold of the native coin after the block of this hash, in the order asked: hundreds of them in one call,
 * which simulates the creation of a contract that is never created. Throws `ProviderError` when the node doesn't have
 * the block (any more) or its state, or answers nonsense.
 */
export async function readNativeBalances(
  chain: string,
  rpc: JsonRpc,
  addresses: readonly Address[],
  blockHash: Hex,
): Promise<bigint[]> {
  const groups = Array.from({ length: Math.ceil(addresses.length / ADDRESSES_A_CALL) }, (_, place) =>
    addresses.slice(place * ADDRESSES_A_CALL, (place + 1) * ADDRESSES_A_CALL),
  )
  const calls = groups.map((held): RpcCall => {
    const data = encodeDeployData({ abi, bytecode: balances.bytecode as Hex, args: [held] })
    return { method: 'eth_call', params: [{ data }, { blockHash }] }
  })
  const answers = await rpc.batch(calls)
  return groups.flatMap((held, place) => {
    const words = resultOf(chain, 'eth_call', answers[place]) as Hex
    if (size(words) !== held.length * BYTES_A_BALANCE)
      throw new ProviderError(chain, 'unknown', 'the node answered other balances than those asked for')
    return held.map((_, word) =>
      hexToBigInt(slice(words, word * BYTES_A_BALANCE, (word + 1) * BYTES_A_BALANCE)),
    )
  })
}
