import { getAddress, isAddress, zeroAddress } from 'viem'

/** Why an address can't be sent to; the customer's page has a text for each. */
export type WalletProblem =
  | 'empty'
  | 'malformed'
  | 'checksum'
  | 'wrong_chain'
  | 'zero_address'
  | 'token_contract'
  | 'our_own'

export const WALLET_PROBLEMS: Readonly<Record<WalletProblem, string>> = {
  empty: 'must not be empty',
  malformed: 'is no address: 0x and 40 hexadecimal digits',
  checksum: 'has a wrong checksum: a digit or its case was mistyped',
  wrong_chain: 'is an address of another kind of chain',
  zero_address: 'is the zero address, which nobody controls',
  token_contract: 'is the contract of a token, not a wallet',
  our_own: 'is an address of ours',
}

export type CheckedWallet =
  | { address: string; problem?: undefined }
  | { problem: WalletProblem; address?: undefined }

/** The same for every way to write one address. */
export const canonicalWallet = (text: string | null): string | null =>
  text === null ? null : (checkWallet(text).address ?? text)

/** What addresses of other chains look like: Bitcoin (all three forms), Tron, Solana, and names that stand for one. */
const ELSEWHERE = [
  /^(bc1|tb1)[a-z0-9]{11,87}$/i,
  /^[13][1-9A-HJ-NP-Za-km-z]{25,34}$/,
  /^T[1-9A-HJ-NP-Za-km-z]{33}$/,
  /^[1-9A-HJ-NP-Za-km-z]{43,44}$/,
]

/**
 * Judges an address for an EVM chain and writes it with its checksum (EIP-55). All lower or all upper case carries no
 * checksum and is accepted; mixed case must be right to the letter.
 */
export function checkWallet(text: string): CheckedWallet {
  const address = text.trim()
  if (address === '') return { problem: 'empty' }
  if (ELSEWHERE.some((form) => form.test(address))) return { problem: 'wrong_chain' }
  if (!/^0x[0-9a-fA-F]{40}$/.test(address)) return { problem: 'malformed' }
  const digits = address.slice(2)
  const mixed = digits !== digits.toLowerCase() && digits !== digits.toUpperCase()
  if (mixed && !isAddress(address, { strict: true })) return { problem: 'checksum' }
  const lower = `0x${digits.toLowerCase()}` as const
  if (lower === zeroAddress) return { problem: 'zero_address' }
  return { address: getAddress(lower) }
}

/** Enough to recognise an address by, for whoever may only look: `0x71C7…976F`. */
export const maskWallet = (address: string): string => `${address.slice(0, 6)}…${address.slice(-4)}`
