import {
  type CipherGCM,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import { takeRandom } from './random-bytes.ts'

/**
 * What must be read again is sealed (AES-256-GCM); what need not be is hashed. Every purpose has a key of its own,
 * derived from `MASTER_KEY`, so that a value sealed for one place opens in no other.
 */
export interface Secrets {
  seal(purpose: string, plain: string | Buffer): Buffer
  /** Throws when the bytes were changed, cut, or sealed for another purpose or under another master key. */
  open(purpose: string, sealed: Buffer): Buffer
  /** A keyed digest: finds a row by a personal value (an e-mail) without storing the value. */
  index(purpose: string, value: string): Buffer
  /** A new key for one customer, wrapped; forgetting the customer is forgetting it. */
  newCustomerKey(): Buffer
  sealFor(wrappedKey: Buffer, plain: string | Buffer): Buffer
  openFor(wrappedKey: Buffer, sealed: Buffer): Buffer
}

export function createSecrets(masterKey: Buffer): Secrets {
  if (masterKey.length !== 32) throw new Error('The master key must have 32 bytes.')
  const derived = new Map<string, Buffer>()
  const keyFor = (purpose: string): Buffer => {
    let key = derived.get(purpose)
    if (!key) derived.set(purpose, (key = createHmac('sha256', masterKey).update(purpose).digest()))
    return key
  }
  // One step opens and seals several values of a customer, whose key it read once: it goes with what was read.
  const unwrapped = new WeakMap<Buffer, Buffer>()
  const unwrap = (wrapped: Buffer): Buffer => {
    const known = unwrapped.get(wrapped)
    if (known) return known
    const key = openWith(keyFor('customer-key'), wrapped)
    unwrapped.set(wrapped, key)
    return key
  }
  return {
    seal: (purpose, plain) => sealWith(keyFor(purpose), plain),
    open: (purpose, sealed) => openWith(keyFor(purpose), sealed),
    index: (purpose, value) =>
      createHmac('sha256', keyFor(`index:${purpose}`))
        .update(value)
        .digest(),
    newCustomerKey: () => sealWith(keyFor('customer-key'), randomBytes(32)),
    sealFor: (wrapped, plain) => sealWith(unwrap(wrapped), plain),
    openFor: (wrapped, sealed) => openWith(unwrap(wrapped), sealed),
  }
}

function sealWith(key: Buffer, plain: string | Buffer): Buffer {
  const nonce = takeRandom(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  if (plain.length > PIECE_BYTES && typeof plain !== 'string') return sealLarge(cipher, nonce, plain)
  const body = cipher.update(plain)
  // A stream cipher: nothing is left over at the end.
  cipher.final()
  return Buffer.concat([nonce, cipher.getAuthTag(), body])
}

const PIECE_BYTES = 64 * 1024

/** The same, but a file is not held three times meanwhile: its pieces go where they belong. */
function sealLarge(cipher: CipherGCM, nonce: Buffer, plain: Buffer): Buffer {
  const sealed = Buffer.allocUnsafeSlow(28 + plain.length)
  for (let at = 0; at < plain.length; at += PIECE_BYTES) {
    cipher.update(plain.subarray(at, at + PIECE_BYTES)).copy(sealed, 28 + at)
  }
  cipher.final()
  nonce.copy(sealed, 0)
  cipher.getAuthTag().copy(sealed, 12)
  return sealed
}

function openWith(key: Buffer, sealed: Buffer): Buffer {
  if (sealed.length < 28) throw new Error('A sealed value is too short to be one.')
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12))
  decipher.setAuthTag(sealed.subarray(12, 28))
  const plain = decipher.update(sealed.subarray(28))
  // Throws when anything was changed.
  decipher.final()
  return plain
}

export const sha256 = (value: string | Buffer): Buffer => createHash('sha256').update(value).digest()

/** Compares in constant time whatever the lengths are: the digests are compared, not the texts. */
export function equalInConstantTime(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b))
}
