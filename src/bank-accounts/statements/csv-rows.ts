import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CsvError, parse } from 'csv-parse'
import type { CsvMapping } from './csv-mapping.ts'
import { decodeText } from './decode-text.ts'
import { type Place, StatementError } from './statement.ts'

/** Characters of one row. */
const MAX_ROW = 64 * 1024
/** What no text has, and PostgreSQL doesn't keep. */
const BINARY = /[\x00-\x08\x0b\x0c\x0e-\x1f]/
/** As editors count lines. */
const LINE_END = /\r\n|\n|\r/g

export interface CsvRow {
  cells: readonly string[]
  /** Where it begins, from 1. */
  line: number
  /** As it is written, without the line end after it. */
  raw: string
  /** Whether a line end comes after it: only the last row of a file may have none. */
  isEnded: boolean
}

/** The rows of a file, the header among them. Throws `StatementError`: `encoding`, `csv`, `truncated`. */
export async function* readRows(
  bytes: AsyncIterable<Uint8Array>,
  mapping: CsvMapping,
): AsyncGenerator<CsvRow> {
  const lines = new RowLines(mapping.skipRows)
  const parser = parse({
    delimiter: mapping.delimiter,
    quote: mapping.quote,
    escape: mapping.quote,
    record_delimiter: ['\r\n', '\n', '\r'],
    raw: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_ROW,
    // Called as each row is parsed, so that a row that can't be is known to come after it.
    on_record: (parsed) => lines.take(parsed as unknown as Parsed) as never,
  })
  const text = afterRows(refuseBinary(decodeText(bytes, () => mapping.encoding)), mapping.skipRows)
  // A failure of either side ends the other, and comes out of the loop below.
  const piped = pipeline(Readable.from(text), parser).catch((error: unknown) =>
    parser.destroy(asError(error)),
  )
  try {
    yield* parser as AsyncIterable<CsvRow>
    await piped
  } catch (error) {
    throw error instanceof CsvError ? unreadable(error, mapping, lines) : error
  } finally {
    parser.destroy()
    await piped
    await text.return(undefined)
  }
}

interface Parsed {
  record: string[]
  raw: string
}

/** Where rows begin. The parser's own count takes a CR LF inside quotes for two. */
class RowLines {
  #line: number

  constructor(skipped: number) {
    this.#line = skipped + 1
  }

  /** The line of the first row in `raw`, before which empty lines may stand, of each its first character. */
  lineOf(raw: string): number {
    return this.#line + raw.length - raw.replace(/^[\r\n]+/, '').length
  }

  take({ record, raw }: Parsed): CsvRow {
    const line = this.lineOf(raw)
    const row = raw.replace(/^[\r\n]+/, '')
    const isEnded = /[\r\n]$/.test(row)
    const written = isEnded ? row.slice(0, -1) : row
    this.#line = line + [...written.matchAll(LINE_END)].length + 1
    return { cells: record, line, raw: written, isEnded }
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

function unreadable(error: CsvError, mapping: CsvMapping, lines: RowLines): StatementError {
  const { raw } = error as unknown as { raw?: string }
  const place = { line: lines.lineOf(raw ?? ''), column: 1 }
  const quote = mapping.quote ?? '"'
  if (error.code === 'CSV_QUOTE_NOT_CLOSED') {
    const message = `A ${quote} is never closed: the file ends early, or its quotes are no quotes (quote: null).`
    return new StatementError('truncated', place, message)
  }
  if (error.code === 'CSV_MAX_RECORD_SIZE') {
    const message = `A row is longer than ${MAX_ROW} characters: is a ${quote} not closed, or the delimiter another?`
    return new StatementError('csv', place, message)
  }
  const message = `This is no CSV with ${JSON.stringify(mapping.delimiter)} between columns and ${quote} around texts.`
  return new StatementError('csv', place, message)
}

async function* refuseBinary(text: AsyncIterable<string>): AsyncGenerator<string, void> {
  const at = new PlaceInText()
  for await (const piece of text) {
    const found = piece.search(BINARY)
    at.pass(found < 0 ? piece : piece.slice(0, found))
    if (found >= 0) {
      throw new StatementError('encoding', at.place, 'This is no text: is it the file that the bank gave?')
    }
    yield piece
  }
}

/** The text after so many lines; what stands before the table needn't be CSV. */
async function* afterRows(text: AsyncIterable<string>, rows: number): AsyncGenerator<string, void> {
  let left = rows
  let afterReturn = false
  for await (const piece of text) {
    let from: number = afterReturn && piece.startsWith('\n') ? 1 : 0
    afterReturn = false
    while (left > 0) {
      const end = piece.slice(from).search(/[\r\n]/)
      if (end < 0) break
      const isReturn: boolean = piece[from + end] === '\r'
      from += end + 1
      left -= 1
      // The LF that belongs to a CR may be in the next piece.
      afterReturn = isReturn && from === piece.length
      if (isReturn && piece[from] === '\n') from += 1
    }
    if (left === 0 && from < piece.length) yield from === 0 ? piece : piece.slice(from)
  }
}

/** Where one is in a text that comes in pieces. */
class PlaceInText {
  #line = 1
  #column = 1
  #afterReturn = false

  get place(): Place {
    return { line: this.#line, column: this.#column }
  }

  pass(piece: string): void {
    if (piece === '') return
    const text = this.#afterReturn && piece.startsWith('\n') ? piece.slice(1) : piece
    this.#afterReturn = piece.endsWith('\r')
    let begin = 0
    for (const found of text.matchAll(LINE_END)) {
      this.#line += 1
      this.#column = 1
      begin = found.index + found[0].length
    }
    this.#column += text.length - begin
  }
}

/** Where a row's cell begins, by walking over the quotes before it. */
export function placeOf(
  { raw, line: first }: CsvRow,
  index: number,
  { delimiter, quote }: CsvMapping,
): Place {
  const at = new PlaceInText()
  let cell = 0
  let inQuotes = false
  let from = 0
  for (let end = 0; end < raw.length && cell < index; end += 1) {
    const character = raw[end]!
    if (character === quote) inQuotes = !inQuotes
    else if (character === delimiter && !inQuotes) {
      cell += 1
      from = end + 1
    }
  }
  at.pass(cell === index ? raw.slice(0, from) : '')
  return { line: first + at.place.line - 1, column: at.place.column }
}
