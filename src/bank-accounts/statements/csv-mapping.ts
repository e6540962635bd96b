import { fiatAsset } from '../../money/asset.ts'
import type { TextEncoding } from './decode-text.ts'

/** A column by its name in the header, any case, or by its number from 1. */
export type CsvColumn = string | number

/** What a column may hold. `concept` may be several columns, which are joined. */
const COLUMNS = [
  'account',
  'currency',
  'booked_on',
  'value_date',
  'amount',
  'credit',
  'debit',
  'direction',
  'balance',
  'counterparty_name',
  'counterparty_iban',
  'concept',
  'bank_ref',
  'end_to_end_id',
] as const
export type CsvColumnName = (typeof COLUMNS)[number]

/** How a bank's CSV is read; `docs/statement-formats.md` says what each setting does. */
export interface CsvMapping {
  delimiter: string
  quote: string | null
  encoding: TextEncoding
  skipRows: number
  header: boolean
  dateFormat: string
  decimal: ',' | '.'
  sign: 'as_written' | 'reversed'
  account: string | null
  currency: string | null
  /** Words in the column `direction`. */
  directions: { credit: readonly string[]; debit: readonly string[] } | null
  /** Rows without one of these words there are left out, such as pending ones. */
  only: { column: CsvColumn; values: readonly string[] } | null
  complete: boolean
  columns: ReadonlyMap<CsvColumnName, readonly CsvColumn[]>
}

/** Everything that is wrong with a mapping, each with where it stands and how to mend it. */
export class CsvMappingError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The mapping of the CSV can't be used:\n${problems.map((problem) => `- ${problem}`).join('\n')}`)
    this.name = 'CsvMappingError'
    this.problems = problems
  }
}

const ENCODINGS: readonly TextEncoding[] = [
  'guess',
  'utf-8',
  'windows-1252',
  'iso-8859-15',
  'utf-16le',
  'utf-16be',
]
const SETTINGS = [
  'delimiter',
  'quote',
  'encoding',
  'skip_rows',
  'header',
  'date_format',
  'decimal',
  'sign',
  'account',
  'currency',
  'directions',
  'only',
  'complete',
  'columns',
]

/** Checks a mapping as it was read from JSON. Throws `CsvMappingError` with every fault at once. */
export function csvMappingOf(json: unknown): CsvMapping {
  const checker = new MappingChecker(json)
  const mapping = checker.check()
  if (checker.problems.length > 0) throw new CsvMappingError(checker.problems)
  return mapping
}

type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isColumn = (value: unknown): value is CsvColumn =>
  (typeof value === 'string' && value.trim() !== '') || (Number.isInteger(value) && (value as number) >= 1)
const isWords = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every((word) => typeof word === 'string')

class MappingChecker {
  readonly problems: string[] = []
  readonly #json: Json

  constructor(json: unknown) {
    this.#json = isObject(json) ? json : {}
    if (!isObject(json)) this.problems.push('The mapping must be a JSON object.')
  }

  check(): CsvMapping {
    for (const name of Object.keys(this.#json)) {
      if (!SETTINGS.includes(name)) this.#refuse(name, `is no setting; there are ${SETTINGS.join(', ')}`)
    }
    const mapping: CsvMapping = {
      delimiter: this.#take('delimiter', ',', (value) => isOneCharacter(value), 'must be one character'),
      quote: this.#take(
        'quote',
        '"',
        (value) => value === null || isOneCharacter(value),
        'must be one character or null',
      ),
      encoding: this.#take(
        'encoding',
        'guess',
        (value) => ENCODINGS.some((known) => known === value),
        `must be one of ${ENCODINGS.join(', ')}`,
      ),
      skipRows: this.#take('skip_rows', 0, isRows, 'must be a whole number of rows, at most 1000'),
      header: this.#take('header', true, (value) => typeof value === 'boolean', 'must be true or false'),
      dateFormat: this.#take(
        'date_format',
        'YYYY-MM-DD',
        isDateFormat,
        'must hold DD, MM and YYYY or YY once each, such as DD/MM/YYYY',
      ),
      decimal: this.#take('decimal', '.', (value) => value === ',' || value === '.', 'must be "," or "."'),
      sign: this.#take(
        'sign',
        'as_written',
        (value) => value === 'as_written' || value === 'reversed',
        'must be as_written or reversed',
      ),
      account: this.#take('account', null, isText, 'must be the account of every row, as text'),
      currency: this.#take(
        'currency',
        null,
        isCurrency,
        'must be a currency that the platform keeps, such as EUR',
      ),
      directions: this.#take(
        'directions',
        null,
        (value) => isObject(value) && isWords(value.credit) && isWords(value.debit),
        'must be {"credit": [words], "debit": [words]}',
      ),
      only: this.#take(
        'only',
        null,
        (value) => isObject(value) && isColumn(value.column) && isWords(value.values),
        'must be {"column": name or number, "values": [words]}',
      ),
      complete: this.#take('complete', false, (value) => typeof value === 'boolean', 'must be true or false'),
      columns: this.#columns(),
    }
    this.#checkTogether(mapping)
    return mapping
  }

  #refuse(name: string, problem: string): void {
    this.problems.push(`${name} ${problem}.`)
  }

  #take<T>(name: string, otherwise: T, fits: (value: unknown) => boolean, problem: string): T {
    const value = this.#json[name]
    if (value === undefined) return otherwise
    if (fits(value)) return value as T
    this.#refuse(name, problem)
    return otherwise
  }

  #columns(): Map<CsvColumnName, readonly CsvColumn[]> {
    const given = this.#json.columns
    const columns = new Map<CsvColumnName, readonly CsvColumn[]>()
    if (!isObject(given)) {
      this.#refuse('columns', 'must be an object: what each column of the file holds')
      return columns
    }
    for (const [name, value] of Object.entries(given)) {
      const known = COLUMNS.find((column) => column === name)
      const list = Array.isArray(value) ? value : [value]
      if (known === undefined) {
        this.#refuse(`columns.${name}`, `is nothing that is read; there are ${COLUMNS.join(', ')}`)
      } else if (list.length === 0 || !list.every(isColumn) || (list.length > 1 && known !== 'concept')) {
        const several = known === 'concept' ? ', or a list of them' : ''
        this.#refuse(`columns.${name}`, `must be the name of a column or its number from 1${several}`)
      } else columns.set(known, list)
    }
    return columns
  }

  #checkTogether({ columns, account, currency, directions, header, only, sign }: CsvMapping): void {
    if (!isObject(this.#json.columns)) return
    const has = (name: CsvColumnName): boolean => columns.has(name)
    if (!has('booked_on')) this.#refuse('columns.booked_on', 'is missing: the day of each row')
    if (has('amount') === (has('credit') || has('debit')) || has('credit') !== has('debit')) {
      this.#refuse('columns', 'must have either amount, or credit and debit')
    }
    if (has('direction') !== (directions !== null) || (has('direction') && !has('amount'))) {
      this.#refuse('columns.direction', 'goes with columns.amount and the words in directions')
    }
    if (sign === 'reversed' && (directions !== null || !has('amount'))) {
      this.#refuse(
        'sign',
        'goes with amounts that have one; directions, and credit and debit, tell it themselves',
      )
    }
    if (has('account') === (account !== null)) {
      this.#refuse('account', 'must be told once: as account, or as columns.account')
    }
    if (has('currency') === (currency !== null)) {
      this.#refuse('currency', 'must be told once: as currency, or as columns.currency')
    }
    const named = [...columns.values()].flat().concat(only === null ? [] : [only.column])
    if (!header && named.some((column) => typeof column === 'string')) {
      this.#refuse('columns', 'must be numbers from 1 where header is false')
    }
    const both = directions?.credit.find((word) => directions.debit.includes(word))
    if (both !== undefined) this.#refuse('directions', `has ${JSON.stringify(both)} for both`)
  }
}

const isText = (value: unknown): boolean => typeof value === 'string' && value.trim() !== ''
const isOneCharacter = (value: unknown): boolean => typeof value === 'string' && /^[^\r\n]$/.test(value)
const isRows = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 1000
const isCurrency = (value: unknown): boolean =>
  typeof value === 'string' && fiatAsset(value)?.symbol === value

function isDateFormat(value: unknown): boolean {
  if (typeof value !== 'string') return false
  const times = (part: RegExp): number => [...value.matchAll(part)].length
  const onlyParts = value.replaceAll(/YYYY|YY|MM|DD/g, '')
  return times(/DD/g) === 1 && times(/MM/g) === 1 && times(/YYYY|YY/g) === 1 && !/[A-Za-z0-9]/.test(onlyParts)
}
