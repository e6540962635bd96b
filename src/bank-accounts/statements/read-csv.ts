import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CsvError, parse } from 'csv-parse'
import { normaliseIban } from '../../providers/bank/iban.ts'
import { accountOf } from './account-number.ts'
import { checkStatement } from './check-statement.ts'
import type { CsvColumn, CsvColumnName, CsvMapping } from './csv-mapping.ts'
import { CsvValues } from './csv-values.ts'
import { decodeText } from './decode-text.ts'
import { type Place, StatementError, type StatementPart, type StatementReader } from './statement.ts'
import { currencyOf, joinCut, referenceOf } from './statement-values.ts'

/** Characters of one row. */
const MAX_ROW = 64 * 1024

/**
 * Reads a bank's CSV as `mapping` says (`csvMappingOf`). Rows of one account that stand together are one statement,
 * oldest or newest first; where a column tells the balance, each must follow from the one beside it. A list of rows
 * tells neither its first nor its last balance, so that a file that was cut between two rows looks whole.
 *
 * Throws `StatementError`: `encoding`, `csv`, `column`, `row`, `amount`, `currency`, `date`, `account`, `balance`.
 */
export function csvReader(mapping: CsvMapping): StatementReader {
  return (bytes) => checkStatement(readParts(bytes, mapping))
}

interface Row {
  cells: readonly string[]
  line: number
  raw: string
}

async function* readParts(
  bytes: AsyncIterable<Uint8Array>,
  mapping: CsvMapping,
): AsyncGenerator<StatementPart> {
  const reader = new CsvReader(mapping)
  for await (const row of readRows(bytes, mapping)) yield* reader.row(row)
  yield* reader.finish()
}

async function* readRows(bytes: AsyncIterable<Uint8Array>, mapping: CsvMapping): AsyncGenerator<Row> {
  const parser = parse({
    delimiter: mapping.delimiter,
    quote: mapping.quote,
    record_delimiter: ['\r\n', '\n', '\r'],
    info: true,
    raw: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_ROW,
  })
  const text = afterRows(
    decodeText(bytes, () => mapping.encoding),
    mapping.skipRows,
  )
  // A failure of either side ends the other, and comes out of the loop below.
  const piped = pipeline(Readable.from(text), parser).catch((error: unknown) =>
    parser.destroy(asError(error)),
  )
  try {
    for await (const { record, info, raw } of parser as AsyncIterable<Parsed>) {
      const written = raw.replace(/^(?:\r\n|\n|\r)+/, '').replace(/(?:\r\n|\n|\r)$/, '')
      const linesInside = written.split(/\r\n|\n|\r/).length - 1
      yield { cells: record, line: mapping.skipRows + info.lines - linesInside, raw: written }
    }
    await piped
  } catch (error) {
    throw error instanceof CsvError ? unreadable(error, mapping) : error
  } finally {
    parser.destroy()
    await piped
    await text.return(undefined)
  }
}

interface Parsed {
  record: string[]
  info: { lines: number }
  raw: string
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

function unreadable(error: CsvError, mapping: CsvMapping): StatementError {
  const { lines } = error as unknown as { lines?: number }
  const place = { line: mapping.skipRows + (lines ?? 1), column: 1 }
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

/** The text after so many lines; what stands before the table needn't be CSV. */
async function* afterRows(text: AsyncIterable<string>, rows: number): AsyncGenerator<string, void> {
  let left = rows
  for await (const piece of text) {
    let from = 0
    while (left > 0) {
      const end = piece.indexOf('\n', from)
      if (end < 0) break
      from = end + 1
      left -= 1
    }
    if (left === 0 && from < piece.length) yield from === 0 ? piece : piece.slice(from)
  }
}

class CsvReader {
  readonly #mapping: CsvMapping
  readonly #values: CsvValues
  /** The places of the columns in a row, from 0, once the header told. */
  #columns: Map<CsvColumnName, number[]> | null = null
  #only: number | null = null
  #width = 0
  #account: string | null = null
  #toOn: string | null = null
  #last: Place = { line: 1, column: 1 }

  constructor(mapping: CsvMapping) {
    this.#mapping = mapping
    this.#values = new CsvValues(mapping)
  }

  *row(row: Row): Generator<StatementPart> {
    this.#last = { line: row.line, column: 1 }
    if (this.#columns === null) {
      this.#findColumns(row)
      if (this.#mapping.header) return
    }
    if (row.cells.length !== this.#width) {
      const message = `The row has ${row.cells.length} columns and the first has ${this.#width}.`
      throw new StatementError('row', this.#last, message)
    }
    const { only } = this.#mapping
    if (only !== null && !only.values.includes(row.cells[this.#only!]!.trim())) return
    yield* this.#line(row)
  }

  *finish(): Generator<StatementPart> {
    const { account } = this.#mapping
    if (this.#account === null && account !== null && this.#columns !== null) {
      yield this.#begin(account, this.#last)
    }
    yield* this.#end()
  }

  #findColumns({ cells, line }: Row): void {
    this.#width = cells.length
    const names = cells.map((cell) => cell.trim().toLowerCase())
    const find = (column: CsvColumn): number => {
      const at = typeof column === 'number' ? column - 1 : names.indexOf(column.trim().toLowerCase())
      const twice = typeof column === 'string' && names.lastIndexOf(column.trim().toLowerCase()) !== at
      if (at >= 0 && at < cells.length && !twice) return at
      const shown = JSON.stringify(column)
      const problem = twice
        ? `Two columns are called ${shown}: give its number.`
        : `There is no column ${shown}.`
      const there = cells.map((cell) => JSON.stringify(cell.slice(0, 40))).join(', ')
      const message = `${problem} The row has ${cells.length}: ${there.slice(0, 600)}.`
      throw new StatementError('column', { line, column: 1 }, message)
    }
    this.#columns = new Map([...this.#mapping.columns].map(([name, columns]) => [name, columns.map(find)]))
    this.#only = this.#mapping.only === null ? null : find(this.#mapping.only.column)
  }

  *#line(row: Row): Generator<StatementPart> {
    const { mapping, columns } = { mapping: this.#mapping, columns: this.#columns! }
    const cell = (name: CsvColumnName): Cell => {
      const at = columns.get(name)?.[0]
      return at === undefined
        ? ABSENT
        : { text: row.cells[at]!.trim(), place: () => placeOf(row, at, mapping) }
    }
    const accountCell = cell('account')
    const place = { line: row.line, column: 1 }
    const account = mapping.account ?? accountOf(accountCell.text, accountCell.place())
    if (account !== this.#account) {
      yield* this.#end()
      yield this.#begin(account, place)
    }
    const currencyCell = cell('currency')
    const currency = currencyOf(
      mapping.currency ?? currencyCell.text,
      mapping.currency === null ? currencyCell.place() : place,
    )
    const moved = this.#values.movement(cell, currency)
    const bookedOn = this.#values.day(cell('booked_on'))
    if (this.#toOn === null || bookedOn > this.#toOn) this.#toOn = bookedOn
    if (moved.units === 0n) return
    const value = cell('value_date')
    const balance = cell('balance')
    const concepts = (columns.get('concept') ?? []).map((at) => row.cells[at]!.trim())
    yield {
      kind: 'line',
      place,
      bankRef: referenceOf(cell('bank_ref').text),
      bookedOn,
      bookedAt: null,
      valueDate: value.text === '' ? bookedOn : this.#values.day(value),
      ...moved,
      currency: currency.symbol,
      balanceUnits: balance.text === '' ? null : this.#values.signed(balance, currency),
      counterpartyName: cell('counterparty_name').text,
      counterpartyIban: normaliseIban(cell('counterparty_iban').text) || null,
      concept: joinCut(concepts, Number.POSITIVE_INFINITY),
      endToEndId: referenceOf(cell('end_to_end_id').text),
      returnCode: null,
      returnText: null,
    }
  }

  #begin(account: string, place: Place): StatementPart {
    this.#account = account
    this.#toOn = null
    return {
      kind: 'begin',
      place,
      account: accountOf(account, place),
      currency: this.#mapping.currency,
      statementRef: null,
      fromOn: null,
      toOn: null,
      openingUnits: null,
      complete: this.#mapping.complete,
    }
  }

  *#end(): Generator<StatementPart> {
    if (this.#account === null) return
    this.#account = null
    const stated = { lines: null, creditUnits: null, debitUnits: null }
    yield { kind: 'end', place: this.#last, closingUnits: null, toOn: this.#toOn, stated }
  }
}

export interface Cell {
  text: string
  /** Worked out only where something is wrong. */
  place: () => Place
}

const ABSENT: Cell = { text: '', place: () => ({ line: 1, column: 1 }) }

/** Where a row's cell begins, by walking over the quotes before it. */
function placeOf({ raw, line: first }: Row, index: number, { delimiter, quote }: CsvMapping): Place {
  let line = first
  let begin = 0
  let cell = 0
  let inQuotes = false
  for (let at = 0; at < raw.length && cell < index; at += 1) {
    const character = raw[at]!
    if (character === quote) inQuotes = !inQuotes
    else if (character === delimiter && !inQuotes) {
      cell += 1
      if (cell === index) return { line, column: at + 2 - begin }
    } else if (character === '\n') {
      line += 1
      begin = at + 1
    }
  }
  return { line, column: 1 }
}
