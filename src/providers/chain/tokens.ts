import { type Address, encodeFunctionData, erc20Abi, type Hex, hexToBigInt, parseAbi, size } from 'viem'

const disperseAbi = parseAbi(['function disperseToken(address token, address[] to, uint256[] units)'])

export const transferData = (to: Address, units: bigint): Hex =>
  encodeFunctionData({ abi: erc20Abi, functionName: 'transfer', args: [to, units] })

export const approveData = (spender: Address, units: bigint): Hex =>
  encodeFunctionData({ abi: erc20Abi, functionName: 'approve', args: [spender, units] })

/** A call of our `Disperse` contract: all transfers or none. */
export const disperseData = (token: Address, to: readonly Address[], units: readonly bigint[]): Hex =>
  encodeFunctionData({ abi: disperseAbi, functionName: 'disperseToken', args: [token, to, units] })

/** Whether a simulated `transfer` moved something: tokens answer true, some older ones answer nothing, some say false. */
export function transferSucceeded(answer: Hex): boolean {
  return size(answer) === 0 || (size(answer) === 32 && hexToBigInt(answer) === 1n)
}
