import { ECDH } from 'node:crypto'
import { HDKey } from '@scure/bip32'
import { type Address, bytesToHex } from 'viem'
import { publicKeyToAddress } from 'viem/accounts'

/** The largest index that needs no private key (BIP-32). */
const LAST_INDEX = 0x7fffffff

/**
 * The addresses of one chain of keys below an account, `<account>/<branch>/<index>`, from the account's extended
 * public key alone: no private key is needed, nor anything asked. Throws for a text that is no extended key, and
 * for an index out of range.
 */
export function deriveAddresses(accountKey: string, branch: number): (index: number) => Address {
  const parent = HDKey.fromExtendedKey(accountKey).deriveChild(branch)
  return (index) => {
    if (!Number.isSafeInteger(index) || index < 0 || index > LAST_INDEX)
      throw new RangeError(`There is no address ${index}: an index goes from 0 to ${LAST_INDEX}.`)
    return addressOf(parent.deriveChild(index))
  }
}

/** The address of a public key is the end of the hash of its two coordinates, both written out. */
function addressOf({ publicKey }: HDKey): Address {
  if (!publicKey) throw new Error('A derived key has no public key.')
  const whole = ECDH.convertKey(publicKey, 'secp256k1', undefined, undefined, 'uncompressed') as Buffer
  return publicKeyToAddress(bytesToHex(whole))
}
