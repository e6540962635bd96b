import { decodeErrorResult, type Hex, isHex, parseAbi } from 'viem'

/** The errors of the token standards (ERC-6093) and of our own contracts; `Error` and `Panic` viem knows. */
const ERRORS = parseAbi([
  'error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)',
  'error ERC20InvalidSender(address sender)',
  'error ERC20InvalidReceiver(address receiver)',
  'error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)',
  'error SafeERC20FailedOperation(address token)',
  'error LengthsDiffer(uint256 recipients, uint256 amounts)',
  'error EnforcedPause()',
])

/** Texts of nodes (geth, Erigon, Nethermind, Anvil) for a call that was executed and failed. */
const EXECUTION_FAILED =
  /revert|out of gas|gas required exceeds|insufficient funds|insufficient balance|invalid opcode|invalid jump|stack (under|over)flow|call depth|OutOfFunds/i

/** Whether a node's error says that the contract or the chain's rules refused the call, not that the node failed. */
export function isExecutionFailure(error: { code: number; message: string }): boolean {
  return error.code === 3 || EXECUTION_FAILED.test(error.message)
}

/** A readable reason from the data of a revert, or the node's own text. */
export function revertReason(error: { message: string; data?: unknown }): string {
  const data = findData(error.data)
  if (!data) return error.message
  try {
    const { errorName, args }: { errorName: string; args: readonly unknown[] | undefined } =
      decodeErrorResult({ abi: ERRORS, data })
    return errorName === 'Error' ? String(args?.[0]) : `${errorName}(${(args ?? []).join(', ')})`
  } catch {
    // An error of a contract we don't know: its selector at least can be looked up.
    return `${error.message} (${data.slice(0, 10)})`
  }
}

function findData(data: unknown): Hex | undefined {
  const raw = data && typeof data === 'object' ? (data as { data?: unknown }).data : data
  return isHex(raw) && raw.length >= 10 ? raw : undefined
}
