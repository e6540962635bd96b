import type { Address, Hex, TransactionSerializableEIP1559 } from 'viem'

/**
 * Keeps keys and signs with them. A key is named by its BIP-32 path (`m/44'/60'/0'/0/7`); the key itself never
 * leaves. A real custodian signs over the network, so every call may take long and must stay outside of a
 * database transaction.
 */
export interface Custody {
  /** The key's address, with checksum. Throws `ProviderError` for a path that is none. */
  address(keyRef: string): Promise<Address>
  /**
   * The extended public key of an account, base58 as BIP-32 writes it (`xpub…`): the addresses below it are derived from
   * it alone, see `deriveAddresses`, and nothing can be signed with it. Throws `ProviderError` for a path that isn't
   * hardened in every step (`m/44'/60'/1'`): below any other, one leaked key would give away its siblings.
   */
  accountKey(path: string): Promise<string>
  /** The signed raw transaction, ready to be broadcast. The same input gives the same bytes. */
  signTransaction(keyRef: string, transaction: UnsignedTransaction): Promise<Hex>
}

/** An EIP-1559 transaction. All fees in wei per gas, `value` in wei. */
export interface UnsignedTransaction {
  chainId: number
  nonce: number
  /** Null creates a contract. */
  to: Address | null
  value: bigint
  data: Hex
  gas: bigint
  maxFeePerGas: bigint
  maxPriorityFeePerGas: bigint
}

export function toSerializable(transaction: UnsignedTransaction): TransactionSerializableEIP1559 {
  return { type: 'eip1559', ...transaction }
}

const HARDENED = 0x80000000

/** Whether a text is a whole BIP-32 path, below the master key and with indexes in range. */
export function isKeyRef(text: string): boolean {
  if (!/^m(\/\d{1,10}'?){1,10}$/.test(text)) return false
  return text
    .slice(2)
    .split('/')
    .every((step) => Number(step.replace("'", '')) < HARDENED)
}

/** Whether a text is the path of an account: hardened in every step. */
export const isAccountPath = (text: string): boolean => isKeyRef(text) && /^m(\/\d+')+$/.test(text)
