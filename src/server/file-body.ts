import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { Integration } from '../common/integration.ts'
import { createFileDecoder, type DecodedFile } from '../kernel/encoded-file.ts'
import { fail } from './errors.ts'
import { createFormScanner, createJsonScanner, LONG_BYTES, type ScanState } from './file-scanners.ts'

/**
 * A JSON or form body whose files were taken out while it arrived: a file's text would be held four times otherwise,
 * as bytes, as text, as parsed text and decoded.
 */
export interface FileBody {
  /** The body with a short mark in place of each file's text; the same for equal files. */
  text: Buffer
  /** By the mark. */
  files: ReadonlyMap<string, DecodedFile>
}

export interface FileBodyRules {
  /** Fields that may hold a file, at any depth. */
  fields: readonly string[]
  /** Of one decoded file. */
  fileLimitBytes: number
  /** Of the whole body as it is sent, without the texts that are no file within the limit: nothing is held of those. */
  bodyLimitBytes: number
  /** Throws for an integration that has no right to make the call at all: judged before a byte of the body is read. */
  judgeRight?: (integration: Integration) => void
}

/** Of what is left of the body without its files. */
const REST_LIMIT_BYTES = 256 * 1024
/** A body that is too large is read on as far as this times its limit: many who still send don't listen yet. */
const READ_ON = 4

/**
 * Reads a body to its end, or as far as it is read at all; the stream is left as it is. Throws `body_too_large`,
 * `unsupported_media_type`, `invalid_json`, and `invalid_file` when a file has no end within that.
 */
export async function readFileBody(
  stream: Readable,
  { contentType, contentLength }: { contentType: string | undefined; contentLength: number | undefined },
  rules: FileBodyRules,
): Promise<FileBody> {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const isForm = type === 'application/x-www-form-urlencoded'
  if (!isForm && type !== 'application/json' && !type.endsWith('+json')) {
    fail(
      'unsupported_media_type',
      'Send application/json or application/x-www-form-urlencoded, and say so in Content-Type.',
    )
  }
  const state = createState(rules, contentLength ?? Infinity)
  const scan = isForm ? createFormScanner(state) : createJsonScanner(state)
  let size = 0
  for await (const chunk of unbroken(stream)) {
    size += chunk.length
    if (size > rules.bodyLimitBytes * READ_ON) refuseEndless(state)
    if (!state.overflowed()) scan.write(chunk)
    state.arrived(chunk.length)
  }
  if (state.overflowed()) refuseLarge()
  if (contentLength !== undefined && size !== contentLength) {
    fail('invalid_json', 'The body does not have the length that Content-Length says.')
  }
  scan.end()
  return state.take()
}

function refuseLarge(): never {
  fail('body_too_large', 'The body is larger than this endpoint takes.')
}

function refuseEndless(state: Arrived): never {
  const field = state.overflowed() ? undefined : state.refusedField()
  if (field === undefined) return refuseLarge()
  const problem = 'has a file that is far too large'
  return fail('invalid_file', `${field} ${problem}.`, { errors: { [field]: [problem] } })
}

/** A sender that goes away is no fault of ours, and nobody is left to read the answer. */
async function* unbroken(stream: Readable): AsyncGenerator<Buffer> {
  try {
    // Whoever still sends when the rest is not read any more is to hear the answer.
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield chunk as Buffer
  } catch {
    fail('invalid_json', 'The request could not be read to its end.')
  }
}

interface Arrived {
  overflowed(): boolean
  /** The field of the last file that was refused while it came. */
  refusedField(): string | undefined
  /** So many bytes of the body have been scanned. */
  arrived(bytes: number): void
  take(): FileBody
}

function createState(
  { fields, fileLimitBytes, bodyLimitBytes }: FileBodyRules,
  expectedBytes: number,
): ScanState & Arrived {
  const names = new Set(fields)
  const files = new Map<string, DecodedFile>()
  let rest = Buffer.allocUnsafe(2 * LONG_BYTES)
  let kept = 0
  /** Bytes of the texts that files are decoded from. */
  let decoded = 0
  let over = false
  let left = expectedBytes
  let field = ''
  let refusedField: string | undefined
  function makeRoom(bytes: number): void {
    if (kept + bytes > REST_LIMIT_BYTES) over = true
    if (over || kept + bytes <= rest.length) return
    const larger = Buffer.allocUnsafe(Math.max(2 * rest.length, kept + bytes))
    rest.copy(larger, 0, 0, kept)
    rest = larger
  }
  return {
    isFileField(name) {
      if (names.has(name)) field = name
      return names.has(name)
    },
    keep(bytes) {
      const count = typeof bytes === 'number' ? 1 : bytes.length
      makeRoom(count)
      if (over) return
      if (typeof bytes === 'number') rest[kept] = bytes
      else bytes.copy(rest, kept)
      kept += count
    },
    overflowed: () => over,
    refusedField: () => refusedField,
    arrived: (bytes) => void (left -= bytes),
    // What was held back of the text came before the rest of this chunk.
    beginFile() {
      const decoder = createFileDecoder(fileLimitBytes, left + LONG_BYTES)
      let own = 0
      const write = (text: Buffer): void => {
        if (decoder.isRefused()) return
        decoder.write(text)
        decoded += text.length
        own += text.length
        if (decoder.isRefused()) {
          decoded -= own
          refusedField = field
        }
        if (kept + decoded > bodyLimitBytes) over = true
      }
      return { decoder: { ...decoder, write }, hash: createHash('sha256') }
    },
    endFile({ decoder, hash }) {
      const mark = `file:${hash.digest('hex')}`
      files.set(mark, decoder.end())
      return mark
    },
    take: () => ({ text: rest.subarray(0, kept), files }),
  }
}
