import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { Failure } from './errors.ts'
import { type FileBody, readFileBody } from './file-body.ts'

const RULES = { fields: ['file', 'photo'], fileLimitBytes: 100_000, bodyLimitBytes: 300_000 }
const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'

/** Reads a body that arrives in pieces of that many bytes. */
function read(
  text: string | Buffer,
  { type = JSON_TYPE, piece = 65_536, length }: { type?: string; piece?: number; length?: number } = {},
): Promise<FileBody> {
  const bytes = Buffer.from(text)
  const pieces = []
  for (let at = 0; at < bytes.length; at += piece) pieces.push(bytes.subarray(at, at + piece))
  return readFileBody(Readable.from(pieces), { contentType: type, contentLength: length }, RULES)
}

const refusedAs = (code: string) => (error: unknown) => error instanceof Failure && error.code === code

/** The bytes behind the mark in a field. */
function fileOf({ files }: FileBody, mark: unknown): Buffer {
  const found = files.get(String(mark))
  assert.ok(found?.ok, `${mark}: ${JSON.stringify(found)}`)
  return found.bytes
}

const parse = ({ text }: FileBody) => JSON.parse(text.toString())

describe('a JSON body with files', () => {
  const bytes = randomBytes(20_000)
  const base64 = bytes.toString('base64')

  test('in pieces of any size keeps everything but the files, and decodes those', async () => {
    const sent = {
      type: 'ot"h\\er',
      file: `data:application/pdf;base64,${base64}`,
      people: [{ photo: base64, name: 'Ana «García»' }],
      note: { file: ['x', 'y'], photo: 'https://example.com/file' },
    }
    const text = JSON.stringify(sent, null, 1)
    for (const piece of [1, 7, 4096, 4097, 65_536]) {
      const body = await read(text, { piece, length: Buffer.byteLength(text) })
      const { file, people, ...rest } = parse(body)
      assert.deepEqual(rest, { type: sent.type, note: sent.note })
      assert.equal(people[0].name, 'Ana «García»')
      assert.deepEqual(fileOf(body, file), bytes)
      assert.deepEqual(fileOf(body, people[0].photo), bytes)
      assert.ok(body.text.length < 1000)
    }
  })

  test('with every slash escaped, as some encoders write it, is the same body', async () => {
    const plain = JSON.stringify({ type: 'other', file: base64 })
    const escaped = plain.replaceAll('/', '\\/').replaceAll('A', '\\u0041')
    assert.notEqual(plain, escaped)
    for (const piece of [1, 3, 4096, 65_536]) {
      const body = await read(escaped, { piece })
      assert.deepEqual(fileOf(body, parse(body).file), bytes)
      assert.deepEqual(parse(body), parse(await read(plain)))
    }
  })

  test('another file has another mark', async () => {
    const one = parse(await read(JSON.stringify({ file: base64 })))
    const other = parse(await read(JSON.stringify({ file: randomBytes(20_000).toString('base64') })))
    assert.notEqual(one.file, other.file)
  })

  test('a short text stays as it is', async () => {
    const body = await read(JSON.stringify({ file: 'JVBERi0=' }))
    assert.deepEqual(parse(body), { file: 'JVBERi0=' })
    assert.equal(body.files.size, 0)
  })

  test('a long text that is no file is told, and holds nothing', async () => {
    for (const text of ['"'.repeat(9000), 'ñ'.repeat(9000), ' '.repeat(9000), `\\${'u00e9'.repeat(9000)}`]) {
      const body = await read(JSON.stringify({ file: text }))
      assert.deepEqual(body.files.get(parse(body).file), { ok: false, problem: 'not_base64' })
    }
    const large = await read(JSON.stringify({ file: randomBytes(100_001).toString('base64') }))
    assert.deepEqual(large.files.get(parse(large).file), { ok: false, problem: 'too_large' })
  })

  test('without an end is left without one', async () => {
    const { text } = await read(JSON.stringify({ file: base64 }).slice(0, -2))
    assert.throws(() => JSON.parse(text.toString()))
  })

  test('with a file that is too large is read to its end, declared or not, and the file told', async () => {
    const large = { file: randomBytes(600_000).toString('base64'), photo: base64, type: 'x' }
    const text = JSON.stringify(large)
    for (const [piece, length] of [
      [65_536, undefined],
      [65_536, text.length],
      [5, text.length],
    ] as const) {
      const body = await read(text, { piece, length })
      const { file, photo, type } = parse(body)
      assert.deepEqual(body.files.get(file), { ok: false, problem: 'too_large' })
      assert.deepEqual(fileOf(body, photo), bytes)
      assert.equal(type, 'x')
    }
    const wrong = await read(JSON.stringify({ file: '%'.repeat(600_000) }))
    assert.deepEqual(wrong.files.get(parse(wrong).file), { ok: false, problem: 'not_base64' })
  })

  test('with a file that does not end is read only so far', async () => {
    let sent = 0
    const endless = new Readable({
      read() {
        sent += 65_536
        this.push(sent === 65_536 ? '{"file":"' : 'A'.repeat(65_536))
      },
    })
    await assert.rejects(
      readFileBody(endless, { contentType: JSON_TYPE, contentLength: undefined }, RULES),
      (error) => refusedAs('invalid_file')(error) && 'file' in ((error as Failure).detail.errors ?? {}),
    )
    assert.ok(sent < 5 * RULES.bodyLimitBytes)
    // Its sender can still be answered.
    assert.equal(endless.destroyed, false)
    endless.destroy()
  })

  test('in a list, where none is expected, is taken out all the same', async () => {
    const other = randomBytes(300_000).toString('base64')
    const list = { note: ['a'], file: [base64, other, [base64]], type: ['b', { file: base64, x: 'y' }] }
    const { note, file, type } = parse(await read(JSON.stringify(list)))
    assert.deepEqual(note, ['a'])
    for (const mark of [file[0], file[1], file[2][0], type[1].file]) assert.match(mark, /^file:/)
    assert.deepEqual([type[0], type[1].x], ['b', 'y'])
  })

  test('that is too large is refused, declared or not, by files together or beside them', async () => {
    const file = 'A'.repeat(120_000)
    const long = JSON.stringify({ people: [{ file }, { file }, { photo: file }] })
    await assert.rejects(read(long), refusedAs('body_too_large'))
    await assert.rejects(read(long, { length: long.length }), refusedAs('body_too_large'))
    await assert.rejects(read(JSON.stringify({ type: 'x'.repeat(270_000) })), refusedAs('body_too_large'))
  })

  test('of another length than was said is refused', async () => {
    await assert.rejects(read('{}', { length: 3 }), refusedAs('invalid_json'))
  })

  test('whose sender goes away is refused', async () => {
    const broken = new Readable({ read() {} })
    broken.push('{"file":"')
    setImmediate(() => broken.destroy(new Error('aborted')))
    await assert.rejects(
      readFileBody(broken, { contentType: JSON_TYPE, contentLength: undefined }, RULES),
      refusedAs('invalid_json'),
    )
  })

  test('of another type is refused', async () => {
    for (const type of ['text/plain', 'multipart/form-data', '']) {
      await assert.rejects(read('{}', { type }), refusedAs('unsupported_media_type'))
    }
  })
})

describe('a form with files', () => {
  const bytes = randomBytes(20_000)
  const base64 = bytes.toString('base64')

  test('in pieces of any size keeps everything but the files, and decodes those', async () => {
    const form = new URLSearchParams([
      ['type', 'a b&c=d'],
      ['file', `data:image/png;base64,${base64}`],
      ['x', ''],
      ['photo', base64],
    ]).toString()
    for (const piece of [1, 5, 4096, 65_536]) {
      const body = await read(form, { type: `${FORM_TYPE}; charset=utf-8`, piece })
      const rest = new URLSearchParams(body.text.toString())
      assert.deepEqual([...rest.keys()], ['type', 'file', 'x', 'photo'])
      assert.equal(rest.get('type'), 'a b&c=d')
      assert.deepEqual(fileOf(body, rest.get('file')), bytes)
      assert.deepEqual(fileOf(body, rest.get('photo')), bytes)
    }
  })

  test('a plus sign that was not escaped is a space, which no file has', async () => {
    const body = await read(`file=${'A+BC'.repeat(2000)}`, { type: FORM_TYPE })
    const mark = new URLSearchParams(body.text.toString()).get('file')
    assert.deepEqual(body.files.get(mark as string), { ok: false, problem: 'not_base64' })
  })

  test('a short text stays as it is', async () => {
    const form = 'file=JVBERi0%3D&type=other&file='
    assert.equal((await read(form, { type: FORM_TYPE })).text.toString(), form)
  })
})
