import type { CsvMapping } from './csv-mapping.ts'
import { encodingOfMark } from './decode-text.ts'
import { CAMT_MESSAGES, readCamt } from './read-camt.ts'
import { csvReader } from './read-csv.ts'
import { readInWorker } from './read-in-worker.ts'
import { readMt940 } from './read-mt940.ts'
import { isEbcdic, readNorma43 } from './read-norma43.ts'
import { StatementError, type StatementPart, type StatementReader } from './statement.ts'

export interface StatementFormat {
  /** `camt.053.001.08` and its like, `mt940`, `norma43`, `csv`. */
  format: string
  read: StatementReader
}

/** How much of a file tells its format, whatever stands before the message. */
const HEAD_BYTES = 64 * 1024
/** A smaller file is read sooner than a thread begins. */
const WORTH_A_THREAD = 2 * 1024 * 1024

/**
 * Finds out what a file is by its first bytes and reads it, without holding it; a large one in a thread of its own.
 * Anything that isn't XML, MT940 or Norma 43 is CSV where a mapping says how to read one.
 *
 * Throws `StatementError`: `empty`, `format`, `version`, `encoding`; the parts throw what their reader does.
 */
export async function openStatement(
  bytes: AsyncIterable<Uint8Array>,
  csv: CsvMapping | null = null,
): Promise<{ format: string; parts: AsyncIterable<StatementPart> }> {
  const source = bytes[Symbol.asyncIterator]()
  const head = await readUpTo(source, HEAD_BYTES)
  let found: StatementFormat
  try {
    found = detectFormat(head, csv)
  } catch (error) {
    await source.return?.()
    throw error
  }
  const { format, read } = found
  const more = await readUpTo(source, WORTH_A_THREAD - head.length)
  const all = joined([head, more], source)
  const large = head.length + more.length >= WORTH_A_THREAD
  return { format, parts: large ? readInWorker(all, { format, csv }) : read(all) }
}

/** At least so many bytes, or all that are left. */
async function readUpTo(source: AsyncIterator<Uint8Array>, bytes: number): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let size = 0
  while (size < bytes) {
    const { value, done } = await source.next()
    if (done === true) break
    pieces.push(value)
    size += value.length
  }
  return Buffer.concat(pieces)
}

async function* joined(
  first: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* first
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}

/** The reader of a format that `detectFormat` names. */
export function readerOf(format: string, csv: CsvMapping | null): StatementReader {
  if (format === 'norma43') return readNorma43
  if (format === 'mt940') return readMt940
  return format === 'csv' && csv !== null ? csvReader(csv) : readCamt
}

/** Which reader the first bytes of a file, up to 64 KB, call for. Throws `StatementError`. */
export function detectFormat(head: Uint8Array, csv: CsvMapping | null = null): StatementFormat {
  const format = formatOf(head, csv !== null)
  return { format, read: readerOf(format, csv) }
}

function formatOf(head: Uint8Array, orCsv: boolean): string {
  if (head.length === 0) throw refuse('empty', 'The file is empty.')
  refuseOtherFiles(head)
  if (isEbcdic(head)) return 'norma43'
  const text = textOfHead(head)
  if (text.startsWith('<')) return xmlFormat(text)
  if (/^\{1:/.test(text) || /^:(?:20|940):/m.test(text)) {
    if (/^:34F:/m.test(text)) {
      throw refuse('format', 'This is MT942, a report during the day. Ask the bank for MT940, the statement.')
    }
    if (/^:(?:25|28C?|60[FM]):/m.test(text)) return 'mt940'
    throw refuse(
      'format',
      'This SWIFT message is no statement: it has no account (:25:) and balance (:60F:).',
    )
  }
  if (/^(?:00[^\r\n]*[\r\n]+)?11\d{30}[12]\d{14}/.test(text)) return 'norma43'
  if (orCsv) return 'csv'
  throw refuse(
    'format',
    'This is neither camt.053, camt.054, MT940 nor Norma 43. For a CSV say which column holds what, with a mapping.',
  )
}

const refuse = (code: string, message: string): StatementError =>
  new StatementError(code, { line: 1, column: 1 }, message)

const OTHER_FILES: readonly [bytes: readonly number[], name: string][] = [
  [[0x50, 0x4b, 0x03, 0x04], 'a ZIP file or a spreadsheet (.xlsx)'],
  [[0xd0, 0xcf, 0x11, 0xe0], 'a spreadsheet (.xls)'],
  [[0x25, 0x50, 0x44, 0x46], 'a PDF'],
  [[0x1f, 0x8b], 'a compressed file (.gz)'],
]

function refuseOtherFiles(head: Uint8Array): void {
  for (const [bytes, name] of OTHER_FILES) {
    if (!bytes.every((byte, at) => head[at] === byte)) continue
    throw refuse(
      'format',
      `This is ${name}. Unpack it, or download the statement as camt.053, MT940 or Norma 43.`,
    )
  }
}

/** The first characters, well enough to know the format by; the reader is strict about them. */
function textOfHead(head: Uint8Array): string {
  const mark = encodingOfMark(head)
  const wide =
    head[0] === 0x3c && head[1] === 0 ? 'utf-16le' : head[0] === 0 && head[1] === 0x3c ? 'utf-16be' : null
  const text = new TextDecoder(mark?.encoding ?? wide ?? 'windows-1252').decode(head)
  return text.replace(/^\ufeff/, '').trimStart()
}

function xmlFormat(text: string): string {
  const found = /["']urn:iso:std:iso:20022:tech:xsd:((?!head\.)[a-z]{4}\.\d{3}\.\d{3}\.\d{2})["']/.exec(text)
  const format = found?.[1]
  if (format === undefined) throw refuse('format', 'This XML is no message of ISO 20022: ask for camt.053.')
  if (CAMT_MESSAGES.some((known) => known === format)) return format
  const before = text.slice(0, found!.index).split(/\r\n|\n|\r/)
  const place = { line: before.length, column: before.at(-1)!.length + 1 }
  const message = `${format} is not read as a statement. Ask the bank for ${CAMT_MESSAGES.join(', ')}.`
  throw new StatementError('version', place, message)
}
