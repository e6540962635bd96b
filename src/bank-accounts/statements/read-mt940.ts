import { accountOf } from './account-number.ts'
import { checkStatement } from './check-statement.ts'
import { readDetails } from './mt940-details.ts'
import { readMovement } from './mt940-movement.ts'
import { readLines, type TextLine } from './read-lines.ts'
import { type Place, StatementError, type StatementPart, type StatementReader } from './statement.ts'
import { currencyOf, dayOfSix, mt940Units, shownAmount } from './statement-values.ts'

/** A field with the lines that go on with it. */
export interface Mt940Field {
  tag: string
  lines: string[]
  place: Place
}

/** A field of more lines is told by no bank; :86: has six. */
const MAX_FIELD_LINES = 60

/**
 * Reads MT940 (SWIFT customer statements), with or without the blocks `{1:` to `{4:` around each message, in UTF-8 or
 * Windows-1252. The pages of one statement (`:60M:`, `:62M:`) that stand one after the other in a file are one
 * statement. `:86:` is read as German banks (`?20`), as Dutch ones (`/REMI/`) and as anybody else writes it.
 *
 * Throws `StatementError`: `encoding`, `line`, `field`, `order`, `missing`, `truncated`, `amount`, `currency`, `date`,
 * `account`, `balance`.
 */
export const readMt940: StatementReader = (bytes) => checkStatement(readParts(bytes))

async function* readParts(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<StatementPart> {
  const reader = new Mt940Reader()
  for await (const lines of readLines(bytes, () => 'guess')) {
    for (const line of lines) yield* reader.line(line)
  }
  yield* reader.finish()
}

type Movement = Extract<StatementPart, { kind: 'line' }>

/** Header and trailer around a message: `{1:F01…}{2:O940…}{4:`, `{5:{CHK:…}}`. */
const BLOCKS = /^(?:\{[1235S]:(?:[^{}]|\{[^{}]*\})*\}|\{4:)+/
const HEADER = /^\{1:[A-Z]\d{2}/

const FIELD = /^:(\d{2}[A-Z]?|NS):(.*)$/
/** What ends the text of a movement's `:86:`; a balance that doesn't belong there does, so that it is refused. */
const FIELD_AFTER_TEXT = /^:(?:61:\d{6}|86:|NS:|62[FM]:[CD]|60[FM]:[CD]\d{6}[A-Z]{3}\d)/
/** Fields that have more lines than one. */
const LONG_FIELDS = ['25P', '61', '86', 'NS']

class Mt940Reader {
  #field: Mt940Field | null = null
  /** As this message names it; never that of the message before. */
  #account: string | null = null
  #reference: string | null = null
  /** Inside a statement: after its opening balance and before its last closing one. */
  #currency: string | null = null
  /** What `:62M:` left for the next page's `:60M:`, and whose it is; null but between pages. */
  #carried: { units: bigint; account: string | null } | null = null
  #movement: Movement | null = null
  /** How many lines tell of the movement so far, in however many fields. */
  #told = 0
  /** After a header or `:20:`, until the statement's last closing balance: a file may not end there. */
  #inMessage = false
  /** After `{4:`, until its `-}`. */
  #inBlock = false
  #last: Place = { line: 1, column: 1 };

  *line({ line, text: written }: TextLine): Generator<StatementPart> {
    this.#last = { line, column: written.length + 1 }
    // The header's blocks may stand on the first field's line.
    const isText = this.#field?.tag === '86' && !HEADER.test(written)
    const blocks = isText ? '' : (BLOCKS.exec(written)?.[0] ?? '')
    if (blocks !== '') yield* this.#closeField()
    if (/^\{[1-4]:/.test(blocks)) this.#inMessage = true
    if (blocks.endsWith('{4:')) this.#inBlock = true
    const text = written.slice(blocks.length)
    const column = blocks.length + 1
    if (text.startsWith('{') && !isText) {
      throw new StatementError('field', { line, column }, 'A block of the header does not end.')
    }
    const field = this.#isInDetails() && !FIELD_AFTER_TEXT.test(text) ? null : FIELD.exec(text)
    if (field !== null) {
      yield* this.#closeField()
      this.#field = { tag: field[1]!, lines: [field[2]!], place: { line, column } }
    } else if (/^-(\}.*)?$/.test(text.trim()) && !(this.#isInDetails() && text.trim() === '-')) {
      yield* this.#closeField()
      yield* this.#closeMessage()
      this.#inBlock = false
    } else if (this.#field !== null && LONG_FIELDS.includes(this.#field.tag)) {
      // Behind any other field stands what some banks put between their messages.
      if (this.#field.lines.push(text) > MAX_FIELD_LINES) {
        throw endless(this.#field.tag, { line, column })
      }
    }
  }

  *finish(): Generator<StatementPart> {
    yield* this.#closeField()
    yield* this.#closeMessage()
    if (this.#carried !== null) {
      const message =
        'The statement goes on (:62M:) in a page that is not in this file. Put its pages in one file.'
      throw new StatementError('truncated', this.#last, message)
    }
    if (this.#inMessage || this.#inBlock) {
      throw new StatementError(
        'truncated',
        this.#last,
        'The file ends inside a statement. Download it again.',
      )
    }
  }

  /**
   * In a movement's `:86:`, whose text was cut into lines: one may begin with what looks like a field, and a hyphen
   * alone is what was left of it, as no message ends there.
   */
  #isInDetails(): boolean {
    const inMovements = this.#currency !== null && this.#carried === null
    return inMovements && (this.#field?.tag === '86' || this.#field?.tag === 'NS')
  }

  *#closeField(): Generator<StatementPart> {
    const field = this.#field
    this.#field = null
    if (field === null) return
    if (field.tag !== '86' && field.tag !== 'NS') yield* this.#closeMovement()
    switch (field.tag) {
      case '20':
        yield* this.#closeMessage()
        this.#inMessage = true
        return
      case '25':
      case '25P':
        return this.#takeAccount(field)
      case '28':
      case '28C':
        this.#reference = contentOf(field) || null
        return
      case '60F':
      case '60M':
        return yield* this.#open(field)
      case '61':
        if (this.#currency === null) throw misplaced(field)
        this.#told = 0
        this.#movement = { kind: 'line', ...readMovement(field, currencyOf(this.#currency, field.place)) }
        return
      case '86':
        if (this.#movement === null) return
        // Some banks tell one movement's details in two fields.
        this.#told += field.lines.length
        if (this.#told > MAX_FIELD_LINES) throw endless(field.tag, field.place)
        Object.assign(this.#movement, readDetails(field, this.#movement))
        return
      case '62F':
      case '62M':
        return yield* this.#close(field)
    }
  }

  *#closeMovement(): Generator<StatementPart> {
    const movement = this.#movement
    this.#movement = null
    if (movement !== null && movement.units > 0n) yield movement
  }

  /** At a trailer, at the next `:20:`, or where the file ends. */
  *#closeMessage(): Generator<StatementPart> {
    yield* this.#closeMovement()
    if (this.#currency !== null && this.#carried === null) {
      const message = 'The statement has no closing balance (:62F:). Download the file again.'
      throw new StatementError('truncated', this.#last, message)
    }
    this.#reference = this.#carried === null ? null : this.#reference
    this.#account = null
  }

  #takeAccount(field: Mt940Field): void {
    if (this.#currency !== null && this.#carried === null) throw misplaced(field)
    // `:25P:` tells the BIC on its second line.
    const account = mt940Account(field.lines[0]!, field.place)
    if (this.#carried !== null && account !== this.#carried.account)
      throw new StatementError('truncated', field.place, ELSEWHERE)
    this.#account = account
  }

  *#open(field: Mt940Field): Generator<StatementPart> {
    const { units, currency } = balanceIn(field)
    const inMovements = this.#currency !== null && this.#carried === null
    if (inMovements) throw misplaced(field)
    if (this.#account === null) {
      throw new StatementError('account', field.place, 'The statement names no account (:25:).')
    }
    if (this.#carried !== null) {
      if (field.tag !== '60M' || currency !== this.#currency) {
        throw new StatementError('truncated', field.place, ELSEWHERE)
      }
      if (units !== this.#carried.units) {
        const [carried, here] = [shownAmount(this.#carried.units, currency), shownAmount(units, currency)]
        const message = `The page before ended with ${carried} and this one begins with ${here}: one is missing.`
        throw new StatementError('balance', field.place, message)
      }
      this.#carried = null
      return
    }
    this.#currency = currency
    yield {
      kind: 'begin',
      place: field.place,
      account: this.#account,
      currency,
      statementRef: this.#reference,
      // The day of the opening balance is often the one of the statement before.
      fromOn: null,
      toOn: null,
      openingUnits: units,
      complete: field.tag === '60F',
    }
  }

  *#close(field: Mt940Field): Generator<StatementPart> {
    const { units, currency, day } = balanceIn(field)
    if (this.#currency === null || this.#carried !== null) throw misplaced(field)
    if (currency !== this.#currency) {
      const message = `The closing balance is in ${currency} and the opening one in ${this.#currency}.`
      throw new StatementError('currency', field.place, message)
    }
    this.#inMessage = false
    if (field.tag === '62M') {
      this.#carried = { units, account: this.#account }
      return
    }
    this.#currency = null
    this.#account = null
    const stated = { lines: null, creditUnits: null, debitUnits: null }
    yield { kind: 'end', place: field.place, closingUnits: units, toOn: day, stated }
  }
}

const ELSEWHERE =
  'The page before goes on in one (:60M:) that is not here. Put the pages of a statement one after the other.'

const contentOf = (field: Mt940Field): string => field.lines.join('').trim()

const endless = (tag: string, place: Place): StatementError =>
  new StatementError('field', place, `The field :${tag}: does not end.`)
const misplaced = ({ tag, place }: Mt940Field): StatementError =>
  new StatementError(
    'order',
    place,
    `:${tag}: does not stand where a statement has it. Download the file again.`,
  )

/**
 * `:25:`: an IBAN alone, after a BIC, or before a currency (with a space, a slash, or neither); else a bank code and
 * account, which is given back as it stands.
 */
export function mt940Account(text: string, place: Place): string {
  const account = text
    .replaceAll(/\s/g, '')
    .toUpperCase()
    .replace(/\/[A-Z]{3}$/, '')
  const last = account.slice(account.lastIndexOf('/') + 1)
  const iban = /^([A-Z]{2}\d{2}[A-Z0-9]{10,30}?)([A-Z]{3})?$/.exec(last)
  if (iban === null) return accountOf(account.replace(/(?<=\d)[A-Z]{3}$/, ''), place)
  try {
    return accountOf(last, place)
  } catch (error) {
    // With letters at the end that may be a currency, the rest decides; what is wrong is said of it.
    if (iban[2] === undefined) throw error
    return accountOf(iban[1]!, place)
  }
}

/** A balance: `C260331EUR1234,56`. */
function balanceIn(field: Mt940Field): { units: bigint; currency: string; day: string } {
  const found = /^([CD])(\d{6})([A-Z]{3})(\d+(?:,\d*)?)$/.exec(contentOf(field))
  if (found === null) {
    const shown = JSON.stringify(contentOf(field).slice(0, 40))
    throw new StatementError('field', field.place, `${shown} is no balance, such as C260331EUR1234,56.`)
  }
  const [, sign, day, code, amount] = found
  const at = (offset: number): Place => ({
    line: field.place.line,
    column: field.place.column + field.tag.length + 2 + offset,
  })
  const currency = currencyOf(code!, at(7))
  const units = mt940Units(amount!, currency, at(10))
  return { units: sign === 'C' ? units : -units, currency: currency.symbol, day: dayOfSix(day!, at(1)) }
}
