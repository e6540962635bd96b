import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import sharp from 'sharp'
import { type ApiAnswer, startTestApp, type TestApp } from '../../test/support/app.ts'
import { makePdf } from '../../test/support/documents.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { drawDocument, registerCustomer } from '../../test/support/kyc.ts'
import type { MemoryGate } from '../kernel/memory-gate.ts'

const MIB = 1024 * 1024

let platform: TestApp
before(async () => {
  platform = await startTestApp({ lanes: false, localChains: false, env: NO_CHAINS })
})
after(() => platform.stop())

/** Others hold all that the gate has; answers the function that ends it. */
async function fill(gate: MemoryGate, bytes: readonly number[]): Promise<() => void> {
  const leaves = await Promise.all(bytes.map((size, at) => gate.enter(`other ${at}`, size)))
  assert.ok(leaves.every(Boolean))
  return () => {
    for (const leave of leaves) leave?.()
  }
}

/** The call waits while there is no room: what is asked after it is answered before it. */
async function waits<T>(work: Promise<T>, free: () => void): Promise<T> {
  const first = Promise.race([
    work.then(() => 'the upload'),
    platform.api('GET', '/livez').then(() => 'health'),
  ])
  assert.equal(await first, 'health')
  free()
  return work
}

describe('large files wait for memory', () => {
  const send = (id: number, file: Buffer): Promise<ApiAnswer> =>
    platform.api('POST', `/api/customers/${id}/documents`, {
      body: { type: 'other', file: file.toString('base64') },
    })

  test('sent by an integration; small ones do not', async () => {
    const { id } = await registerCustomer(platform)
    const free = await fill(platform.app.uploads, [32 * MIB, 16 * MIB])
    assert.equal((await send(id, makePdf())).status, 200)
    const { body } = await waits(send(id, makePdf(100_000)), free)
    assert.deepEqual(body, { status: 'ok' })
  })

  test('sent by a customer’s page; small ones do not', async () => {
    const { page } = await registerCustomer(platform)
    const noise = { width: 500, height: 500, channels: 3 } as const
    const large = await sharp(randomBytes(500 * 500 * 3), { raw: noise })
      .jpeg({ quality: 95 })
      .toBuffer()
    const small = await drawDocument(500, 500)
    assert.ok(large.length > 100_000 && small.length < 32 * 1024)
    const free = await fill(platform.app.pageUploads, [24 * MIB, 24 * MIB, 16 * MIB])
    assert.equal((await page.photo('document_front', small)).status, 200)
    const { status } = await waits(page.photo('document_front', large), free)
    assert.equal(status, 200)
  })
})

test('405 is told without a byte of the body being held', async () => {
  const answer = await platform.api('PUT', '/api/registerUser', {
    body: Buffer.alloc(70 * MIB, 120),
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(answer.status, 405)
  assert.equal(answer.body.error, 'method_not_supported')
})
