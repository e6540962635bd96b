import { randomFillSync } from 'node:crypto'

const POOL_BYTES = 4096
/** More than this is asked of the system by itself. */
const LARGEST = 256

const pool = Buffer.alloc(POOL_BYTES)
let used = POOL_BYTES

/**
 * Random bytes fit for nonces, ids and secrets, each given out once. The system is asked for many at a time: one question
 * costs as much as the encryption that a nonce is for.
 */
export function takeRandom(bytes: number): Buffer {
  if (bytes > LARGEST) return randomFillSync(Buffer.alloc(bytes))
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  const taken = Buffer.from(pool.subarray(used, used + bytes))
  // What was given out is known to nobody else any more.
  pool.fill(0, used, used + bytes)
  used += bytes
  return taken
}
