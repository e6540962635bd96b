import type { Asset } from '../../money/asset.ts'
import type { CsvColumnName, CsvMapping } from './csv-mapping.ts'
import type { Cell } from './read-csv.ts'
import { StatementError, type StatementLine } from './statement.ts'
import { dayOf, unitsOf } from './statement-values.ts'

/** Reads the cells of a CSV as its mapping says that they are written. */
export class CsvValues {
  readonly #mapping: CsvMapping
  readonly #day: RegExp
  readonly #parts: readonly string[]
  readonly #number: RegExp

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
    this.#number = new RegExp(`^([+-]?)(\\d{1,3}(?:${group}\\d{3})+|\\d+)(?:${point}(\\d*))?(-?)$`)
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

  /** An amount with its sign. Throws `amount`. */
  signed({ text, place }: Cell, currency: Asset): bigint {
    const plain = text.replace(/^(?:€|[A-Z]{3})\s*|\s*(?:€|[A-Z]{3})$/g, '').replaceAll('\u2212', '-')
    const found = this.#number.exec(plain)
    if (found === null || (found[1] !== '' && found[4] !== '')) {
      const sample = this.#mapping.decimal === ',' ? '-1.234,56' : '-1,234.56'
      const message = `${JSON.stringify(text.slice(0, 40))} is no amount, such as ${sample}.`
      throw new StatementError('amount', place(), message)
    }
    const [, before, whole, fraction = '', after] = found
    const digits = whole!.replaceAll(/\D/g, '')
    const units = unitsOf(fraction === '' ? digits : `${digits}.${fraction}`, currency, place())
    return before === '-' || after === '-' ? -units : units
  }

  /** From one column with a sign, one with a word beside it, or two of which one is empty or zero. */
  movement(cell: (name: CsvColumnName) => Cell, currency: Asset): Pick<StatementLine, 'direction' | 'units'> {
    const { directions, sign, columns } = this.#mapping
    if (columns.has('amount')) {
      const signed = this.signed(cell('amount'), currency)
      if (directions === null) return movementOf(sign === 'reversed' ? -signed : signed)
      const word = cell('direction')
      const units = signed < 0n ? -signed : signed
      if (directions.credit.includes(word.text)) return { direction: 'credit', units }
      if (directions.debit.includes(word.text)) return { direction: 'debit', units }
      const known = [...directions.credit, ...directions.debit].join(', ')
      const message = `${JSON.stringify(word.text.slice(0, 40))} is none of the words in directions: ${known}.`
      throw new StatementError('row', word.place(), message)
    }
    const [credit, debit] = (['credit', 'debit'] as const).map((name) => {
      const { text } = cell(name)
      const signed = text === '' ? 0n : this.signed(cell(name), currency)
      return signed < 0n ? -signed : signed
    })
    if (credit !== 0n && debit !== 0n) {
      throw new StatementError('row', cell('debit').place(), 'The row has both a credit and a debit.')
    }
    return credit === 0n ? { direction: 'debit', units: debit! } : { direction: 'credit', units: credit! }
  }
}

const movementOf = (signed: bigint): Pick<StatementLine, 'direction' | 'units'> =>
  signed < 0n ? { direction: 'debit', units: -signed } : { direction: 'credit', units: signed }
