import { type Asset, fiatAsset } from '../../money/asset.ts'
import { spanishIban } from '../../providers/bank/iban.ts'
import { checkStatement } from './check-statement.ts'
import { readLines, type TextLine } from './read-lines.ts'
import {
  type Place,
  type StatementEnd,
  StatementError,
  type StatementPart,
  type StatementReader,
} from './statement.ts'
import { dayOfSix, joinCut, NO_REASON_TOLD } from './statement-values.ts'

/** Numbers of ISO 4217 for the currencies that the platform keeps. */
const CURRENCIES: Readonly<Record<string, string>> = {
  '978': 'EUR',
  '152': 'CLP',
  '484': 'MXN',
  '170': 'COP',
  '604': 'PEN',
  '032': 'ARS',
}

/** Common concepts of the standard under which a bank books what comes back. */
const RETURNS: Readonly<Record<string, string>> = {
  '14': 'Devoluciones e impagados',
  '98': 'Anulaciones y correcciones de asiento',
}

const WIDTH = 80
const CONCEPT_WIDTH = 38

/**
 * Reads Norma 43 of the Spanish banks' association (AEB): records of 80 columns, in UTF-8 or ISO-8859-1. The account
 * is the CCC of 20 digits, whose check digits the file leaves out; `ibanOfCcc` makes the IBAN. What the payer wrote is
 * that of the records 23, then the references of the record 22 that aren't among it; no field is known for the
 * counterparty, whom some banks name among the payer's words.
 *
 * Throws `StatementError`: `encoding`, `line`, `record`, `order`, `truncated`, `amount`, `currency`, `date`, `account`,
 * `balance`, `totals`.
 */
export const readNorma43: StatementReader = (bytes) => checkStatement(readParts(bytes))

async function* readParts(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<StatementPart> {
  const reader = new Norma43Reader()
  for await (const lines of readLines(bytes, refuseEbcdic)) {
    for (const line of lines) yield* reader.record(new Norma43Record(line))
  }
  reader.finish()
}

/** Whether a file begins with a record 00 or 11 as mainframes write it. */
export const isEbcdic = (head: Uint8Array): boolean =>
  (head[0] === 0xf0 || head[0] === 0xf1) && head[1] === head[0]

function refuseEbcdic(head: Uint8Array): 'guess' {
  if (isEbcdic(head)) {
    const message = 'The file is in EBCDIC, as mainframes write it. Ask the bank for it in ASCII.'
    throw new StatementError('encoding', { line: 1, column: 1 }, message)
  }
  return 'guess'
}

/** One record, read by columns as the standard counts them, from 1. */
class Norma43Record {
  readonly code: string
  readonly place: Place
  readonly #text: string
  readonly #line: number

  constructor({ line, text }: TextLine) {
    this.#line = line
    this.#text = text.padEnd(WIDTH)
    this.code = text.slice(0, 2)
    this.place = { line, column: 1 }
    if (text.trimEnd().length > WIDTH) {
      const message = `A record has ${WIDTH} columns and this has ${text.trimEnd().length}. Were characters added?`
      throw new StatementError('record', this.at(WIDTH + 1), message)
    }
  }

  get isBlank(): boolean {
    return this.#text.trim() === ''
  }

  at(column: number): Place {
    return { line: this.#line, column }
  }

  text(from: number, to: number): string {
    return this.#text.slice(from - 1, to)
  }

  digits(from: number, to: number, what: string): string {
    const text = this.text(from, to)
    if (/^\d+$/.test(text)) return text
    const message = `${JSON.stringify(text)} must be ${to - from + 1} digits: ${what}.`
    throw new StatementError('record', this.at(from), message)
  }

  day(from: number): string {
    return dayOfSix(this.text(from, from + 5), this.at(from))
  }

  /** `1` is a debit, `2` a credit. */
  direction(column: number): 'credit' | 'debit' {
    const key = this.text(column, column)
    if (key === '1' || key === '2') return key === '2' ? 'credit' : 'debit'
    const message = `${JSON.stringify(key)} must be 1 (debit) or 2 (credit).`
    throw new StatementError('record', this.at(column), message)
  }

  /** Fourteen digits of which the last two are hundredths, whatever decimals the currency has. */
  units(from: number, currency: Asset): bigint {
    const hundredths = BigInt(this.digits(from, from + 13, 'an amount'))
    const beyond = 10n ** BigInt(2 - currency.decimals)
    if (hundredths % beyond === 0n) return hundredths / beyond
    const message = `The amount has hundredths, and ${currency.symbol} has none.`
    throw new StatementError('amount', this.at(from), message)
  }

  currency(from: number): Asset {
    const number = this.text(from, from + 2)
    const currency = fiatAsset(CURRENCIES[number] ?? '')
    if (currency !== undefined) return currency
    const message = `${JSON.stringify(number)} is no currency that the platform keeps; 978 is the euro.`
    throw new StatementError('currency', this.at(from), message)
  }
}

type Movement = Extract<StatementPart, { kind: 'line' }>

interface Account {
  record: string
  currency: Asset
  toOn: string
  count: { credit: number; debit: number }
}

class Norma43Reader {
  #account: Account | null = null
  #movement: Movement | null = null
  /** Of the movement: its records 23, and its references. */
  #words: string[] = []
  #references: string[] = []
  /** Without a record 00. */
  #records = 0
  #headed = false
  #ended = false
  #last: Place = { line: 1, column: 1 };

  *record(record: Norma43Record): Generator<StatementPart> {
    if (record.isBlank) return
    this.#last = record.place
    if (this.#ended) {
      throw new StatementError(
        'order',
        record.place,
        'Nothing stands after the record 88, the end of the file.',
      )
    }
    if (record.code !== '23' && record.code !== '24') yield* this.#closeMovement()
    switch (record.code) {
      case '11':
        yield this.#begin(record)
        break
      case '22':
        this.#move(record)
        break
      case '23':
        this.#addWords(record)
        break
      case '24':
        // The amount in the currency of origin; the account's own was told by the record 22.
        if (this.#movement === null) throw misplaced(record)
        break
      case '33':
        yield this.#end(record)
        break
      case '88':
        return this.#finishFile(record)
      case '00':
        if (this.#records > 0 || this.#headed) throw misplaced(record)
        this.#headed = true
        return
      default: {
        const message = `${JSON.stringify(record.code)} is no record of Norma 43: 11, 22, 23, 24, 33 or 88.`
        throw new StatementError('record', record.place, message)
      }
    }
    this.#records += 1
  }

  finish(): void {
    if (this.#ended) return
    const message = 'The file has no record 88, the end of a file. Download it again.'
    throw new StatementError('truncated', this.#last, message)
  }

  #begin(record: Norma43Record): StatementPart {
    if (this.#account !== null) throw misplaced(record)
    const number = record.digits(3, 20, 'bank, branch and account')
    const currency = record.currency(48)
    const toOn = record.day(27)
    const units = record.units(34, currency)
    this.#account = { record: number, currency, toOn, count: { credit: 0, debit: 0 } }
    return {
      kind: 'begin',
      place: record.place,
      account: spanishIban(number.slice(0, 4), number.slice(4, 8), number.slice(8)).slice(4),
      currency: currency.symbol,
      statementRef: null,
      fromOn: record.day(21),
      toOn,
      openingUnits: record.direction(33) === 'credit' ? units : -units,
      complete: true,
    }
  }

  #move(record: Norma43Record): void {
    const account = this.#account
    if (account === null) throw misplaced(record)
    const direction = record.direction(28)
    const concept = record.digits(23, 24, 'the common concept')
    account.count[direction] += 1
    const returned = direction === 'credit' ? RETURNS[concept] : undefined
    this.#references = [record.text(53, 64), record.text(65, 80)]
    this.#movement = {
      kind: 'line',
      place: record.place,
      // The references are the payer's or the contract's; none is the bank's own of this line alone.
      bankRef: null,
      bookedOn: record.day(11),
      bookedAt: null,
      valueDate: record.day(17),
      direction,
      units: record.units(29, account.currency),
      currency: account.currency.symbol,
      balanceUnits: null,
      counterpartyName: '',
      counterpartyIban: null,
      concept: '',
      endToEndId: null,
      returnCode: returned === undefined ? null : NO_REASON_TOLD,
      returnText: returned ?? null,
    }
  }

  #addWords(record: Norma43Record): void {
    if (this.#movement === null) throw misplaced(record)
    if (this.#words.length >= 10) {
      throw new StatementError('record', record.place, 'A movement has at most five records 23.')
    }
    this.#words.push(record.text(5, 42).trimEnd(), record.text(43, 80).trimEnd())
  }

  *#closeMovement(): Generator<StatementPart> {
    const movement = this.#movement
    if (movement === null) return
    const words = joinCut(this.#words, CONCEPT_WIDTH)
    const references = this.#references
      .map((text) => text.trim())
      .filter((text) => !/^0*$/.test(text) && !words.includes(text))
    this.#movement = null
    this.#words = []
    // What moves nothing is counted by the bank and is no line.
    if (movement.units > 0n) yield { ...movement, concept: [words, ...references].join(' ').trim() }
  }

  #end(record: Norma43Record): StatementPart {
    const account = this.#account
    if (account === null) throw misplaced(record)
    this.#account = null
    if (record.digits(3, 20, 'bank, branch and account') !== account.record) {
      const message = 'The account is not the one of the record 11 before. Download the file again.'
      throw new StatementError('account', record.at(3), message)
    }
    if (record.currency(74) !== account.currency) {
      const message = 'The currency is not the one of the record 11 before. Download the file again.'
      throw new StatementError('currency', record.at(74), message)
    }
    this.#compareCount(record, 21, 'debit', account.count.debit)
    this.#compareCount(record, 40, 'credit', account.count.credit)
    const units = record.units(60, account.currency)
    const stated: StatementEnd['stated'] = {
      lines: null,
      debitUnits: record.units(26, account.currency),
      creditUnits: record.units(45, account.currency),
    }
    const closingUnits = record.direction(59) === 'credit' ? units : -units
    return { kind: 'end', place: record.place, closingUnits, toOn: account.toOn, stated }
  }

  #compareCount(record: Norma43Record, from: number, what: string, counted: number): void {
    const said = Number(record.digits(from, from + 4, `the number of ${what}s`))
    // Five digits are all there are: a bank that books more starts again from zero.
    if (said === counted % 100_000) return
    const message = `The record says ${said} ${what}s and there are ${counted}. Download the file again.`
    throw new StatementError('totals', record.at(from), message)
  }

  #finishFile(record: Norma43Record): void {
    if (this.#account !== null) {
      throw new StatementError('truncated', record.place, 'The account before has no record 33, its end.')
    }
    const said = Number(record.digits(21, 26, 'the number of records'))
    // The standard leaves the record 00 out of the count; some banks count it.
    const counts = this.#headed ? [this.#records, this.#records + 1] : [this.#records]
    if (!counts.some((count) => count % 1_000_000 === said)) {
      const message = `The record says that ${said} stand before it and ${this.#records} do. Download the file again.`
      throw new StatementError('totals', record.at(21), message)
    }
    this.#ended = true
  }
}

const misplaced = ({ code, place }: Norma43Record): StatementError =>
  new StatementError('order', place, `A record ${code} does not stand here. Download the file again.`)
