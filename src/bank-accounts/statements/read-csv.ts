import type { Asset } from '../../money/asset.ts'
import { normaliseIban } from '../../providers/bank/iban.ts'
import { accountOf, ibanOfAccount } from './account-number.ts'
import { checkStatement } from './check-statement.ts'
import type { CsvColumn, CsvColumnName, CsvMapping } from './csv-mapping.ts'
import { type CsvRow, placeOf, readRows } from './csv-rows.ts'
import { CsvValues } from './csv-values.ts'
import { type Place, StatementError, type StatementPart, type StatementReader } from './statement.ts'
import { currencyOf, joinCut, referenceOf } from './statement-values.ts'

/**
 * Reads a bank's CSV as `mapping` says (`csvMappingOf`). Rows of one account that stand together are one statement,
 * oldest or newest first; where a column tells the balance, each must follow from the one beside it. A list of rows
 * tells neither its first nor its last balance, so that a file that was cut between two rows looks whole.
 *
 * Throws `StatementError`: `encoding`, `csv`, `truncated`, `column`, `row`, `amount`, `currency`, `date`, `account`, `order`,
 * `balance`.
 */
export function csvReader(mapping: CsvMapping): StatementReader {
  return (bytes) => checkStatement(readParts(bytes, mapping))
}

async function* readParts(
  bytes: AsyncIterable<Uint8Array>,
  mapping: CsvMapping,
): AsyncGenerator<StatementPart> {
  const reader = new CsvReader(mapping)
  for await (const row of readRows(bytes, mapping)) yield* reader.row(row)
  yield* reader.finish()
}

class CsvReader {
  readonly #mapping: CsvMapping
  readonly #values: CsvValues
  /** The places of the columns in a row, from 0, once the header told. */
  #columns: Map<CsvColumnName, number[]> | null = null
  #only: number | null = null
  #width = 0
  #account: string | null = null
  /** Accounts whose rows have ended, by their IBAN where they have one. */
  readonly #ended = new Set<string>()
  #tookAny = false
  /** Whether the file writes `12,50-`, so that a last amount may lack its minus. */
  #hasMinusAfter = false
  /** Why the first row that was left out was, in case that all are. */
  #leftOut: StatementError | null = null
  #toOn: string | null = null
  #last: Place = { line: 1, column: 1 }

  constructor(mapping: CsvMapping) {
    this.#mapping = mapping
    this.#values = new CsvValues(mapping)
  }

  *row(row: CsvRow): Generator<StatementPart> {
    this.#last = { line: row.line, column: 1 }
    if (this.#columns === null) {
      this.#findColumns(row)
      if (this.#mapping.header) return
    }
    if (row.cells.length !== this.#width) {
      const message = `The row has ${row.cells.length} columns and the first has ${this.#width}.`
      throw new StatementError('row', this.#last, message)
    }
    if (!this.#isTaken(row)) return
    yield* this.#line(row)
  }

  *finish(): Generator<StatementPart> {
    const { account } = this.#mapping
    if (this.#leftOut !== null && !this.#tookAny) throw this.#leftOut
    if (this.#account === null && account !== null && this.#columns !== null) {
      yield this.#begin(account, this.#last)
    }
    yield* this.#end()
  }

  /** Whether the row is one that counts (`only`). */
  #isTaken(row: CsvRow): boolean {
    const { only } = this.#mapping
    const word = only === null ? '' : row.cells[this.#only!]!.trim()
    if (only === null || only.values.includes(word)) {
      this.#tookAny = true
      return true
    }
    const shown = JSON.stringify(word.slice(0, 40))
    const refuse = (problem: string): StatementError =>
      new StatementError('row', placeOf(row, this.#only!, this.#mapping), `${shown} ${problem}`)
    const lower = word.toLowerCase()
    if (only.values.some((value) => value.trim().toLowerCase() === lower)) {
      throw refuse(
        'is one of the words in only, but for its case or blanks: write it there as the file does.',
      )
    }
    this.#leftOut ??= refuse(
      `is none of the words in only, nor is that of any other row: ${only.values.join(', ')}. ` +
        'If none of the rows is booked yet, there is nothing to import.',
    )
    return false
  }

  #findColumns({ cells, line }: CsvRow): void {
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

  *#line(row: CsvRow): Generator<StatementPart> {
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
      if (this.#ended.has(ibanOfAccount(account) ?? account)) {
        const message =
          'Rows of this account stand before those of another already, and rows of one account must stand together: ' +
          'sort the file by account.'
        throw new StatementError('order', accountCell.place(), message)
      }
      yield this.#begin(account, place)
    }
    const currencyCell = cell('currency')
    const currency = currencyOf(
      mapping.currency ?? currencyCell.text,
      mapping.currency === null ? currencyCell.place() : place,
    )
    const moved = this.#values.movement(cell, currency)
    this.#refuseCut(row, currency)
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

  /** A last row without a line end may be cut inside of its amount, `12` of `12,50`: only all its decimals show that it isn't. */
  #refuseCut({ cells, raw, isEnded }: CsvRow, { decimals, symbol }: Asset): void {
    const last = cells.length - 1
    const isAmount = (['amount', 'credit', 'debit'] as const).some(
      (name) => this.#columns!.get(name)?.[0] === last,
    )
    const text = cells[last]!.trim()
    if (isEnded && isAmount) this.#hasMinusAfter ||= /[-\u2212]$/.test(text)
    if (isEnded || !isAmount || text === '' || raw.endsWith(this.#mapping.quote ?? '\n')) return
    const { decimal } = this.#mapping
    const fraction = /^\d*/.exec(text.slice(text.lastIndexOf(decimal) + 1))![0]
    const hasAllDecimals = decimals > 0 && text.includes(decimal) && fraction.length >= decimals
    if (hasAllDecimals && (!this.#hasMinusAfter || /[-\u2212]$/.test(text))) return
    const message =
      `The file ends in the amount ${JSON.stringify(text.slice(0, 40))} of ${symbol}, which may be cut. ` +
      'Download it again; if it is whole, end its last row with a line end.'
    throw new StatementError('truncated', this.#last, message)
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
    this.#ended.add(ibanOfAccount(this.#account) ?? this.#account)
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
