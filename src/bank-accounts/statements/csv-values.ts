import type { Asset } from '../../money/asset.ts'
import type { CsvColumnName, CsvMapping } from './csv-mapping.ts'
import type { Cell } from './read-csv.ts'
import { type Place, StatementError, type StatementLine } from './statement.ts'
import { dayOf, unitsOf } from './statement-values.ts'

/** What the currencies' own banks write for them. A dollar sign is a peso where the account is of pesos, and nowhere else. */
const SIGNS: Readonly<Record<string, readonly string[]>> = {
  EUR: ['\u20ac'],
  CLP: ['$'],
  MXN: ['$'],
  COP: ['$'],
  ARS: ['$'],
  PEN: ['S/', 'S/.'],
}
const CODES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'))

/** Reads the cells of a CSV as its mapping says that they are written. One for each file. */
export class CsvValues {
  readonly #mapping: CsvMapping
  readonly #day: RegExp
  readonly #parts: readonly string[]
  readonly #number: RegExp
  /** Whether the debits of this file have a minus, once one told. */
  #debitsAreNegative: boolean | null = null

  constructor(mapping: CsvMapping) {
    this.#mapping = mapping
    this.#parts = mapping.dateFormat.match(/YYYY|YY|MM|DD/g) ?? []
    const day = mapping.dateFormat.replaceAll(/[^A-Z]/g, (other) => `\\${other}`)
    // A time after the day is taken and not used: it says no zone.
    this.#day = new RegExp(
      `^${day.replaceAll(/YYYY|YY|MM|DD/g, (part) => `(\\d{${part.length}})`)}(?:[T ].*)?$`,
    )
    const group = mapping.decimal === ',' ? "[. '\u00a0\u202f]" : "[, '\u00a0\u202f]"
    const point = mapping.decimal === ',' ? ',' : '\\.'
    this.#number = new RegExp(`^([1-9]\\d{0,2}(${group})\\d{3}(?:\\2\\d{3})*|\\d+)(?:${point}(\\d*))?$`)
  }

  /** `YYYY-MM-DD`. Throws `date`. */
  day({ text, place }: Cell): string {
    const found = this.#day.exec(text)
    if (found === null) {
      const message = `${JSON.stringify(text.slice(0, 40))} is no day as ${this.#mapping.dateFormat}.`
      throw new StatementError('date', place(), message)
    }
    const of = (part: string): number => Number(found[this.#parts.indexOf(part) + 1])
    const year = this.#parts.includes('YYYY') ? of('YYYY') : 2000 + of('YY')
    return dayOf(year, of('MM'), of('DD'), place())
  }

  /** An amount with its sign. Throws `amount`, and `currency` where it is told to be in another. */
  signed({ text, place }: Cell, currency: Asset): bigint {
    const { negative, number } = this.#withoutMarks({ text, place }, currency)
    const found = this.#number.exec(number)
    if (found === null) throw this.#noAmount(text, place())
    const [, whole, group, fraction = ''] = found
    const isGroup = group === undefined && fraction.length === 3 && /^[1-9]\d{0,2}$/.test(whole!)
    const { decimals, symbol } = currency
    if ((isGroup && decimals !== 3) || (decimals === 0 && !/^0{0,2}$/.test(fraction))) {
      const shown = JSON.stringify(text.slice(0, 40))
      const other = JSON.stringify(this.#mapping.decimal === ',' ? '.' : ',')
      const message = isGroup
        ? `${shown} may be a thousand and more: say what stands before the cents, such as "decimal": ${other}.`
        : `${shown} has decimals, and ${symbol} has none: is the decimal mark another ("decimal": ${other})?`
      throw new StatementError('amount', place(), message)
    }
    const digits = whole!.replaceAll(/\D/g, '')
    const units = unitsOf(fraction === '' ? digits : `${digits}.${fraction}`, currency, place())
    return negative ? -units : units
  }

  /** From its first digit to its last, without a sign and the currency's name on either side. */
  #withoutMarks({ text, place }: Cell, currency: Asset): { negative: boolean; number: string } {
    const from = text.search(/\d/)
    let to = text.length
    while (to > from && !isDigit(text[to - 1]!)) to -= 1
    if (from < 0) throw this.#noAmount(text, place())
    let after = text.slice(to)
    // `12,` is a whole number.
    const point = after.startsWith(this.#mapping.decimal) ? this.#mapping.decimal : ''
    after = after.slice(point.length)
    const marks = [text.slice(0, from), after].map((mark) => mark.replaceAll('\u2212', '-'))
    const signs = marks.join('').replaceAll(/[^+-]/g, '')
    // `12,-` is what some write for a whole number, with a dash that is no minus.
    const isDash = point !== '' && after.startsWith('-')
    if (signs.length > 1 || marks[1]!.includes('+') || isDash) throw this.#noAmount(text, place())
    for (const mark of marks) this.#refuseForeign(mark.replace(/[+-]/, '').trim(), { text, place }, currency)
    return { negative: signs === '-', number: text.slice(from, to) + point }
  }

  #refuseForeign(mark: string, { text, place }: Cell, { symbol }: Asset): void {
    const code = mark.toUpperCase()
    if (mark === '' || code === symbol || SIGNS[symbol]?.includes(mark)) return
    if (!CODES.has(code) && !/\p{Sc}/u.test(mark)) throw this.#noAmount(text, place())
    const message =
      `${JSON.stringify(text.slice(0, 40))} is in another currency than ${symbol}, ` +
      'which the mapping or the row says. Leave such rows out (only), or give them a file and an account of their own.'
    throw new StatementError('currency', place(), message)
  }

  #noAmount(text: string, place: Place): StatementError {
    const sample = this.#mapping.decimal === ',' ? '-1.234,56' : '-1,234.56'
    return new StatementError(
      'amount',
      place,
      `${JSON.stringify(text.slice(0, 40))} is no amount, such as ${sample}.`,
    )
  }

  /** From one column with a sign, one with a word beside it, or two of which one is empty or zero. */
  movement(cell: (name: CsvColumnName) => Cell, currency: Asset): Movement {
    const { directions, sign, columns } = this.#mapping
    if (!columns.has('amount')) return this.#ofTwoColumns(cell, currency)
    const amount = cell('amount')
    const signed = this.signed(amount, currency)
    if (directions === null) return movementOf(sign === 'reversed' ? -signed : signed)
    const word = cell('direction')
    if (directions.credit.includes(word.text)) return credit(signed, amount)
    if (directions.debit.includes(word.text)) return this.#debit(signed, amount)
    const known = [...directions.credit, ...directions.debit].join(', ')
    const message = `${JSON.stringify(word.text.slice(0, 40))} is none of the words in directions: ${known}.`
    throw new StatementError('row', word.place(), message)
  }

  #ofTwoColumns(cell: (name: CsvColumnName) => Cell, currency: Asset): Movement {
    const cells = { credit: cell('credit'), debit: cell('debit') }
    if (cells.credit.text === '' && cells.debit.text === '') {
      const message =
        'The row has neither a credit nor a debit. If it is no movement, leave such rows out (only).'
      throw new StatementError('row', cells.credit.place(), message)
    }
    const of = (one: Cell): bigint => (one.text === '' ? 0n : this.signed(one, currency))
    const [came, went] = [of(cells.credit), of(cells.debit)]
    if (came !== 0n && went !== 0n) {
      throw new StatementError('row', cells.debit.place(), 'The row has both a credit and a debit.')
    }
    return came === 0n ? this.#debit(went, cells.debit) : credit(came, cells.credit)
  }

  /** Banks write debits with a minus or without; in one file, one of them would be money that came back. */
  #debit(signed: bigint, { text, place }: Cell): Movement {
    const negative = signed < 0n
    if (signed !== 0n) this.#debitsAreNegative ??= negative
    if (signed !== 0n && negative !== this.#debitsAreNegative) {
      const message =
        `The debit ${JSON.stringify(text.slice(0, 40))} has ${negative ? 'a minus' : 'no minus'}, and those before ` +
        `it ${negative ? 'have none' : 'have one'}: it may be money that came. Ask the bank for another format.`
      throw new StatementError('row', place(), message)
    }
    return { direction: 'debit', units: negative ? -signed : signed }
  }
}

type Movement = Pick<StatementLine, 'direction' | 'units'>

const isDigit = (character: string): boolean => character >= '0' && character <= '9'

function credit(units: bigint, { text, place }: Cell): Movement {
  if (units >= 0n) return { direction: 'credit', units }
  const message =
    `The credit ${JSON.stringify(text.slice(0, 40))} has a minus: it may be money that went. ` +
    'If the sign tells which it is, map the column as amount, without directions.'
  throw new StatementError('row', place(), message)
}

const movementOf = (signed: bigint): Movement =>
  signed < 0n ? { direction: 'debit', units: -signed } : { direction: 'credit', units: signed }
