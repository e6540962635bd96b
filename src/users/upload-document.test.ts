import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import sharp from 'sharp'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { makePdf, serveFiles } from '../../test/support/documents.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { drawDocument, registerCustomer } from '../../test/support/kyc.ts'
import { findCustomer } from './customer-store.ts'
import { DOCUMENT_TYPES } from './upload-document.ts'

const TEN_MIB = 10 * 1024 * 1024

let platform: TestApp
let others: string
before(async () => {
  platform = await startTestApp({
    lanes: false,
    localChains: false,
    env: { ...NO_CHAINS, FILES_FROM_LOOPBACK: 'true' },
  })
  others = await platform.authenticate('sandbox-key-2', 'sandbox-secret-2')
})
after(() => platform.stop())

const base64 = (bytes: Buffer): string => bytes.toString('base64')
const send = (id: number | string, body: unknown, options = {}) =>
  platform.api('POST', `/api/customers/${id}/documents`, { body, ...options })

const rowsOf = (id: number) =>
  platform.app.db.selectFrom('documents').selectAll().where('customerId', '=', id).orderBy('id').execute()

/** All that lies in the storage, as paths. */
function stored(): string[] {
  try {
    const files = readdirSync(join(platform.config.dataDir, 'files'), {
      recursive: true,
      withFileTypes: true,
    })
    return files.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function fileOf(row: { integrationId: number; customerId: number; storageKey: string }) {
  const customer = await findCustomer(platform.app.db, row.integrationId, row.customerId)
  const sealed = await platform.app.providers.storage.read(row.storageKey)
  return { sealed, bytes: platform.app.secrets.openFor(customer?.keyWrapped as Buffer, sealed) }
}

describe('200 a document is kept', () => {
  test('of each of the 23 types', async () => {
    const { id } = await registerCustomer(platform)
    assert.equal(DOCUMENT_TYPES.length, 23)
    for (const type of DOCUMENT_TYPES) {
      const { status, body } = await send(id, { type, file: base64(makePdf()) })
      assert.equal(status, 200)
      assert.deepEqual(body, { status: 'ok' })
    }
    assert.deepEqual((await rowsOf(id)).map(({ type }) => type).sort(), [...DOCUMENT_TYPES].sort())
  })

  test('sealed, byte for byte, known by its content whatever is declared', async () => {
    const jpeg = await drawDocument()
    const files: [mime: string, bytes: Buffer][] = [
      ['application/pdf', makePdf(20_000)],
      ['image/jpeg', jpeg],
      ['image/png', await sharp(jpeg).png().toBuffer()],
      ['image/webp', await sharp(jpeg).webp().toBuffer()],
    ]
    for (const [mime, bytes] of files) {
      const { id } = await registerCustomer(platform)
      const file = `data:text/html;charset=utf-8;base64,${base64(bytes)}`
      assert.deepEqual((await send(id, { type: 'payslip', file })).body, { status: 'ok' })
      const [row] = await rowsOf(id)
      assert.equal(row?.mime, mime)
      assert.equal(row?.bytes, bytes.length)
      const kept = await fileOf(row as NonNullable<typeof row>)
      assert.ok(kept.bytes.equals(bytes))
      assert.ok(!kept.sealed.includes(bytes.subarray(0, 32)))
    }
  })

  test('as data-URI, plain base64, in a form, with line breaks or escaped slashes, and from an address', async () => {
    const bytes = makePdf(30_000)
    const server = await serveFiles((_request, response) => response.end(bytes))
    const text = base64(bytes)
    const bodies: [body: unknown, type?: string][] = [
      [{ type: 'other', file: text }],
      [{ type: 'other', file: `data:application/pdf;base64,${text}` }],
      [{ type: 'other', file: text.replaceAll(/(.{76})/g, '$1\r\n') }],
      [{ type: 'other', file: bytes.toString('base64url') }],
      [{ type: 'other', file: `data:application/pdf;base64,${bytes.toString('base64url')}` }],
      [{ type: 'other', file: text.replace(/=+$/, '') }],
      [JSON.stringify({ type: 'other', file: text }).replaceAll('/', '\\/'), 'application/json'],
      [new URLSearchParams({ type: 'other', file: text }).toString(), 'application/x-www-form-urlencoded'],
      [{ type: 'other', file: `${server.url}/statement.pdf` }],
    ]
    const { id } = await registerCustomer(platform)
    for (const [body, type] of bodies) {
      const answer = await send(id, body, type ? { headers: { 'content-type': type } } : {})
      assert.deepEqual(answer.body, { status: 'ok' })
    }
    server.stop()
    const rows = await rowsOf(id)
    assert.equal(rows.length, bodies.length)
    for (const row of rows) assert.ok((await fileOf(row)).bytes.equals(bytes))
  })

  test('of exactly 10 MiB', async () => {
    const { id } = await registerCustomer(platform)
    const bytes = makePdf(TEN_MIB)
    assert.equal(bytes.length, TEN_MIB)
    assert.deepEqual((await send(id, { type: 'other', file: base64(bytes) })).body, { status: 'ok' })
    const [row] = await rowsOf(id)
    assert.ok((await fileOf(row as NonNullable<typeof row>)).bytes.equals(bytes))
  })

  test('once for an Idempotency-Key, many at once too', async () => {
    const { id } = await registerCustomer(platform)
    const body = { type: 'invoice', file: base64(makePdf(50_000)) }
    const headers = { 'idempotency-key': randomUUID() }
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => {
        for (;;) {
          const answer = await send(id, body, { headers })
          if (answer.body.error !== 'request_in_progress') return answer
        }
      }),
    )
    for (const answer of answers) assert.deepEqual(answer.body, { status: 'ok' })
    assert.equal(answers.filter((answer) => answer.headers.get('idempotent-replayed') === 'true').length, 19)
    assert.equal((await rowsOf(id)).length, 1)
    const other = await send(id, { ...body, file: base64(makePdf(50_000)) }, { headers, honest: true })
    assert.equal(other.status, 409)
    assert.equal(other.body.error, 'idempotency_key_reused')
  })
})

describe('a refusal has its true status, with and without the preference, and keeps nothing', () => {
  const refused = async (
    id: number | string,
    body: unknown,
    expected: { status: number; error: string; fields?: string[] },
    options: object = {},
  ) => {
    const before = stored().length
    for (const honest of [false, true]) {
      const answer = await send(id, body, { ...options, honest })
      assert.equal(answer.body.error, expected.error, JSON.stringify(answer.body))
      assert.equal(answer.body.status, 'error')
      assert.equal(answer.status, expected.status)
      assert.equal(answer.headers.get('preference-applied'), honest ? 'http-status' : null)
      if (expected.fields) assert.deepEqual(Object.keys(answer.body.errors), expected.fields)
    }
    assert.equal(stored().length, before)
    if (typeof id === 'number') assert.deepEqual(await rowsOf(id), [])
  }
  const file = base64(makePdf())

  test('403 user_not_in_integration for another integration’s customer, whatever is sent', async () => {
    const { id } = await registerCustomer(platform)
    const token = { token: others }
    await refused(id, { type: 'other', file }, { status: 403, error: 'user_not_in_integration' }, token)
    await refused(id, { type: 'x', file: 'x' }, { status: 403, error: 'user_not_in_integration' }, token)
  })

  test('404 user_not_found for nobody, and for those of before a reset', async () => {
    await refused('999999999', { type: 'other', file }, { status: 404, error: 'user_not_found' })
    const token = others
    const email = `${randomUUID()}@example.com`
    const gone = await platform.api('POST', '/api/registerUser', { token, body: { name: 'Eva', email } })
    await platform.api('POST', '/api/sandbox/reset', { token, body: {} })
    const { id } = gone.body.data
    await refused(id, { type: 'other', file }, { status: 404, error: 'user_not_found' }, { token })
    await refused(id, { type: 'other', file }, { status: 404, error: 'user_not_found' })
  })

  test('422 invalid_type, with what is wrong with the file as well', async () => {
    const { id } = await registerCustomer(platform)
    const expected = { status: 422, error: 'invalid_type' }
    await refused(id, { type: 'passport', file }, { ...expected, fields: ['type'] })
    await refused(id, { type: '', file: 'AAAA' }, { ...expected, fields: ['type', 'file'] })
    const lacking = await send(id, { file: 'AAAA' })
    assert.deepEqual(
      [lacking.body.error, Object.keys(lacking.body.errors)],
      ['fail_mandatory_field', ['type', 'file']],
    )
    const typed = await send(id, { type: 'passport' })
    assert.deepEqual(
      [typed.body.error, Object.keys(typed.body.errors)],
      ['fail_mandatory_field', ['file', 'type']],
    )
    let asked = 0
    const server = await serveFiles((_request, response) => {
      asked += 1
      response.end()
    })
    await refused(id, { type: 'OTHER', file: server.url }, { ...expected, fields: ['type'] })
    server.stop()
    assert.equal(asked, 0)
  })

  test('422 invalid_file for what is empty, too large, no file, or not what it says', async () => {
    const { id } = await registerCustomer(platform)
    const expected = { status: 422, error: 'invalid_file', fields: ['file'] }
    const large = base64(makePdf(TEN_MIB + 1))
    for (const wrong of [
      '',
      ' ',
      'data:application/pdf;base64,',
      'not base64 at all',
      'data:text/plain,hello',
      base64(Buffer.from('MZ an executable')),
      `data:application/pdf;base64,${base64(randomBytes(9_000))}`,
      base64(makePdf(9_000).subarray(0, 8_000)),
      '*'.repeat(9_000),
      large,
    ]) {
      await refused(id, { type: 'other', file: wrong }, expected)
    }
  })

  test('422 invalid_file for pictures that are cut, empty or other than said, and for packed bytes', async () => {
    const { id } = await registerCustomer(platform)
    const expected = { status: 422, error: 'invalid_file', fields: ['file'] }
    const jpeg = await drawDocument()
    const cut = (bytes: Buffer): Buffer => bytes.subarray(0, Math.floor(bytes.length / 2))
    const bomb = await sharp({ create: { width: 8_000, height: 7_000, channels: 3, background: '#fff' } })
      .png()
      .toBuffer()
    for (const bytes of [
      cut(jpeg),
      cut(await sharp(jpeg).png().toBuffer()),
      cut(await sharp(jpeg).webp().toBuffer()),
      jpeg.subarray(0, 3),
      bomb,
      gzipSync(makePdf()),
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      Buffer.concat([Buffer.from('4d5a90000300000004000000ffff0000', 'hex'), makePdf()]),
    ]) {
      const file = `data:image/png;base64,${base64(bytes)}`
      await refused(id, { type: 'other', file }, expected)
    }
  })

  test('422 invalid_file for bytes that a server packs unasked: nothing is unpacked, so no bomb opens', async () => {
    const { id } = await registerCustomer(platform)
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))
    const asked: unknown[] = []
    const server = await serveFiles((request, response) => {
      asked.push(request.headers['accept-encoding'])
      response.writeHead(200, { 'content-type': 'application/pdf', 'content-encoding': 'gzip' }).end(bomb)
    })
    const expected = { status: 422, error: 'invalid_file', fields: ['file'] }
    await refused(id, { type: 'other', file: `${server.url}/bomb.pdf` }, expected)
    server.stop()
    assert.deepEqual(asked, ['identity', 'identity'])
  })

  test('422 invalid_file for an address in every disguise of a private one, and for a body without an end', async () => {
    const { id } = await registerCustomer(platform)
    const expected = { status: 422, error: 'invalid_file', fields: ['file'] }
    const server = await serveFiles((_request, response) => {
      const write = (): void =>
        void response.write(Buffer.alloc(64 * 1024), (error) => error ?? setImmediate(write))
      write()
    })
    for (const address of [
      'http://0.0.0.0/a.pdf',
      'http://0/a.pdf',
      'http://2852039166/latest/',
      'http://0xa9fea9fe/latest/',
      'http://0251.0376.0251.0376/latest/',
      'http://[::ffff:10.0.0.1]/a.pdf',
      'http://[::ffff:a9fe:a9fe]/a.pdf',
      'http://[64:ff9b::a00:1]/a.pdf',
      'http://192.168.1.1:8080/a.pdf',
      'http://10.0.0.1.:80/a.pdf',
      'HTTP://10.0.0.1/a.pdf',
      'file:///etc/passwd',
      'ftp://example.com/a.pdf',
      'http://user@127.0.0.1/a.pdf',
      `${server.url}/endless`,
    ]) {
      await refused(id, { type: 'other', file: address }, expected)
    }
    server.stop()
  })

  test('422 invalid_file for an address that leads inside, nowhere, in a circle, or to too much', async () => {
    const { id } = await registerCustomer(platform)
    const pdf = makePdf()
    const server = await serveFiles((request, response) => {
      const target = new URL(request.url ?? '/', 'http://x').searchParams.get('to')
      if (target) response.writeHead(302, { Location: target }).end()
      else if (request.url === '/none') response.writeHead(404).end(pdf)
      else if (request.url === '/page') response.end('<html></html>')
      else if (request.url === '/empty') response.end()
      else if (request.url === '/large') response.end(makePdf(TEN_MIB + 1))
      else response.end(pdf)
    })
    const expected = { status: 422, error: 'invalid_file', fields: ['file'] }
    for (const address of [
      'http://169.254.169.254/latest/meta-data/',
      'http://10.0.0.1/file.pdf',
      'http://[fd00::1]/file.pdf',
      'https://user:pw@example.com/file.pdf',
      'http://host.invalid/file.pdf',
      'http://',
      `${server.url}/?to=http://192.168.0.1/file.pdf`,
      `${server.url}/?to=file:///etc/passwd`,
      `${server.url}/?to=${encodeURIComponent(`${server.url}/?to=http://10.0.0.1/`)}`,
      `${server.url}/none`,
      `${server.url}/page`,
      `${server.url}/empty`,
      `${server.url}/large`,
    ]) {
      await refused(id, { type: 'other', file: address }, expected)
    }
    server.stop()
  })

  test('the rest as everywhere: 200 unless asked', async () => {
    const { id } = await registerCustomer(platform)
    const lacking = await send(id, {})
    assert.equal(lacking.status, 200)
    assert.equal(lacking.body.error, 'fail_mandatory_field')
    assert.deepEqual(Object.keys(lacking.body.errors), ['type', 'file'])
    assert.equal((await send(id, {}, { honest: true })).status, 422)
    const unknown = await send('x', { type: 'other', file })
    assert.equal(unknown.status, 200)
    assert.equal(unknown.body.error, 'invalid_field')
    const nobody = await send(id, { type: 'other', file }, { token: null })
    assert.equal(nobody.status, 200)
    assert.equal(nobody.body.error, 'authorization_incorrect')
    assert.equal((await send(id, { type: 'other', file }, { token: 'x', honest: true })).status, 401)
  })
})

describe('a body is not read', () => {
  test('from a caller that nobody knows, and not further than it may go', async () => {
    const { id } = await registerCustomer(platform)
    const file = 'A'.repeat(15_000_000)
    const unknown = await send(id, { type: 'other', file }, { token: 'nobody' })
    assert.equal(unknown.body.error, 'authorization_incorrect')
    // Over the limit of the body as well, which is no other fault; the last is not even read to its end.
    for (const size of [14_100_000, 18_000_000, 60_000_000, 120_000_000]) {
      const huge = await send(id, { type: 'other', file: 'A'.repeat(size) })
      assert.equal(huge.status, 422)
      assert.equal(huge.body.error, 'invalid_file')
      assert.deepEqual(Object.keys(huge.body.errors), ['file'])
    }
    const beside = await send(id, { type: 'x'.repeat(18_000_000), file: 'A' })
    assert.deepEqual([beside.status, beside.body.error], [413, 'body_too_large'])
    const broken = await send(id, '{"type":"other","file":"', {
      headers: { 'content-type': 'application/json' },
    })
    assert.equal(broken.status, 400)
    assert.equal(broken.body.error, 'invalid_json')
    const text = await send(id, 'x', { headers: { 'content-type': 'text/plain' } })
    assert.equal(text.status, 415)
  })
})
