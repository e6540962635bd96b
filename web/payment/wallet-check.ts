/**
 * What the page itself can say about an address while it is typed; the server has the last word. Loaded with the
 * wallet step, since the checksum's hash is not small.
 */
import { getAddress, isAddress } from 'viem/utils'
import type { WalletProblem, WalletView } from '../../src/hosted/wire.ts'

export type WalletLook =
  /** Nothing to say yet: empty, or still being typed. */
  { state: 'unfinished' } | { state: 'good'; address: string } | { state: 'bad'; problem: WalletProblem }

export function lookAtWallet(text: string, kind: WalletView['kind']): WalletLook {
  const typed = text.trim()
  if (typed === '') return { state: 'unfinished' }
  if (kind === 'evm') return lookAtEvm(typed)
  if (/^0x[0-9a-f]{40}$/i.test(typed)) return { state: 'bad', problem: 'wrong_chain' }
  return typed.length < 26 ? { state: 'unfinished' } : { state: 'good', address: typed }
}

function lookAtEvm(typed: string): WalletLook {
  if (/^(bc1|tb1)|^[13][1-9A-HJ-NP-Za-km-z]{25,34}$|^T[1-9A-HJ-NP-Za-km-z]{33}$/.test(typed)) {
    return { state: 'bad', problem: 'wrong_chain' }
  }
  if (!'0x'.startsWith(typed.slice(0, 2)) || /[^0-9a-f]/i.test(typed.slice(2)) || typed.length > 42) {
    return { state: 'bad', problem: 'malformed' }
  }
  if (typed.length < 42) return { state: 'unfinished' }
  if (/^0x0{40}$/.test(typed)) return { state: 'bad', problem: 'zero_address' }
  // All in one case carries no checksum; mixed case must be right, or a letter was lost on the way.
  if (!isAddress(typed, { strict: true }) && !isOneCase(typed)) return { state: 'bad', problem: 'checksum' }
  return { state: 'good', address: getAddress(typed.toLowerCase() as `0x${string}`) }
}

function isOneCase(address: string): boolean {
  const digits = address.slice(2)
  return digits === digits.toLowerCase() || digits === digits.toUpperCase()
}

/**
 * The address out of a scanned code: plain, or an `ethereum:0x…@137?value=…` link (EIP-681), or `bitcoin:…?amount=…`.
 * A link that calls a token contract names the receiver in `address=`.
 */
export function addressFromScan(text: string): string {
  const [, , target, query] = /^([a-z]+:)?(?:pay-)?([^?@/]+)[^?]*(?:\?(.*))?$/i.exec(text.trim()) ?? []
  const receiver = new URLSearchParams(query ?? '').get('address')
  return receiver ?? target ?? text.trim()
}
