import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { randomText } from '../kernel/ids.ts'

/** 16 MiB and some 50 ms: the password is drawn from 62^12, so that no word list meets it, however fast the hash. */
const COST = { N: 2 ** 14, r: 8, p: 1 }
const HASH_BYTES = 32

/** A new password of twelve characters `[A-Za-z0-9]`, to be shown once, and the hash to be kept. */
export async function makePassword(): Promise<{ password: string; hash: string }> {
  const password = randomText(12)
  const salt = randomBytes(16)
  const derived = await derive(password, salt, COST)
  const hash = ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64'), derived.toString('base64')]
  return { password, hash: hash.join('$') }
}

/** Whether the hash was made of this password; takes the same time whatever is wrong with it. */
export async function isPassword(text: string, hash: string): Promise<boolean> {
  const [, N, r, p, salt = '', derived = ''] = hash.split('$')
  const wanted = Buffer.from(derived, 'base64')
  const found = await derive(text, Buffer.from(salt, 'base64'), { N: Number(N), r: Number(r), p: Number(p) })
  return timingSafeEqual(found, wanted)
}

function derive(text: string, salt: Buffer, cost: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(text.normalize('NFC'), salt, HASH_BYTES, cost, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
}
