import { accountOf } from './account-number.ts'
import { type Balance, balancesOf, otherCurrency, type Page, pageIn } from './camt-balances.ts'
import { type CamtEntry, linesOfEntry } from './camt-entry.ts'
import { CamtTotals } from './camt-totals.ts'
import { boundReference, childOf, onlyOf, textOf, timeOf } from './camt-values.ts'
import { checkStatement } from './check-statement.ts'
import { readXml, type XmlElement, type XmlPiece } from './read-xml.ts'
import { type Place, StatementError, type StatementPart, type StatementReader } from './statement.ts'
import { shownAmount } from './statement-values.ts'

/** What is read, by the namespace's last part. */
export const CAMT_MESSAGES = [
  'camt.053.001.02',
  'camt.053.001.08',
  'camt.054.001.02',
  'camt.054.001.08',
] as const
export type CamtMessage = (typeof CAMT_MESSAGES)[number]

const NAMESPACE = 'urn:iso:std:iso:20022:tech:xsd:'
const IN_PARTS = new Set(['BkToCstmrStmt', 'BkToCstmrDbtCdtNtfctn', 'Stmt', 'Ntfctn', 'Ntry', 'NtryDtls'])
/** What is read of a statement's head: after an entry it would come too late. */
const BEFORE_ENTRIES = new Set(['Id', 'StmtPgntn', 'FrToDt', 'Acct', 'Bal'])
/** A batch of more is told by no bank; all of one are held until its sum is known. */
const MAX_BATCH = 10_000
/** What is held at a time, as `XmlPiece` counts it, of a batch's transactions; ten thousand long ones make less. */
const MAX_DETAILS = 128 * 1024 * 1024
/** The same of a statement's head, and of all else that stands in an entry. */
const MAX_HEAD = 1024 * 1024

/**
 * Reads camt.053 (statements) and camt.054 (notifications) of ISO 20022, versions 001.02 and 001.08, whatever wraps
 * them. An entry that the bank booked for several transactions is a line for each of them where their amounts make the
 * entry's, else one line. Pages that stand one after the other in a file are one statement; it isn't said to be complete,
 * as whether the last of them is there shows only at its end.
 *
 * Throws `StatementError`: `encoding`, `doctype`, `xml`, `truncated`, `version`, `missing`, `order`, `amount`,
 * `currency`, `date`, `status`, `account`, `balance`, `totals`, `batch`, `repeated`, `reference`.
 */
export const readCamt: StatementReader = (bytes) => checkStatement(readParts(bytes))

async function* readParts(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<StatementPart> {
  const reader = new CamtReader()
  for await (const pieces of readXml(bytes, 'Document', IN_PARTS)) {
    for (const piece of pieces) yield* reader.read(piece)
  }
  yield* reader.finish()
}

interface Statement {
  place: Place
  /** Until the first entry, all that stands before it. */
  head: XmlElement[]
  begun: boolean
  account: string
  currency: string | null
  closing: Balance | null
  toOn: string | null
  totals: CamtTotals
  /** Where it is a page that isn't the statement's last. */
  goesOn: { id: string | null; page: number } | null
  /** Whether its lines go on those of the page before. */
  isCarried: boolean
}

/** What is known of a statement that goes on in another page. */
interface Begun {
  id: string | null
  page: number
  closing: Balance | null
  end: Extract<StatementPart, { kind: 'end' }>
}

/** Follows the message piece by piece; holds the head of a statement, or one entry. */
class CamtReader {
  #isStatement = true
  /** Version 02 tells of pages for the whole message. */
  #page: Page | null = null
  /** The statement before, which goes on in another page: its end waits for what the next one is. */
  #carried: Begun | null = null
  /** Of each account in this file what went on last. */
  readonly #begun = new Map<string, Begun>()
  #statement: Statement | null = null
  #entry: CamtEntry | null = null
  /** How much is held of the head or entry that is being read, and of an entry's transactions. */
  #held = { head: 0, details: 0 }

  #open({ name, namespace, place }: Extract<XmlPiece, { kind: 'open' }>): void {
    if (name === 'Document') {
      this.#isStatement = messageOf(namespace, place).startsWith('camt.053')
    } else if (name === 'Stmt' || name === 'Ntfctn') {
      if (this.#statement !== null) throw misplaced(name, place)
      const totals = new CamtTotals()
      const unknown = {
        account: '',
        currency: null,
        closing: null,
        toOn: null,
        goesOn: null,
        isCarried: false,
      }
      this.#held = { head: 0, details: 0 }
      this.#statement = { place, head: [], begun: false, ...unknown, totals }
    } else if (name === 'Ntry') {
      if (this.#statement === null || this.#entry !== null) throw misplaced(name, place)
      this.#held = { head: 0, details: 0 }
      this.#entry = { place, fields: [], details: [] }
    }
  }

  *read(piece: XmlPiece): Generator<StatementPart> {
    if (piece.kind === 'open') this.#open(piece)
    else if (piece.kind === 'element') this.#take(piece)
    else if (piece.name === 'Ntry') yield* this.#closeEntry()
    else if (piece.name === 'Stmt' || piece.name === 'Ntfctn') yield* this.#closeStatement(piece.place)
    // The head may not be told before the first entry begins, and must not wait for its end.
    if (piece.kind === 'open' && piece.name === 'Ntry') yield* this.#begin()
  }

  #hold({ element, size }: Extract<XmlPiece, { kind: 'element' }>): void {
    const isDetails = this.#entry !== null && element.name === 'TxDtls'
    this.#held[isDetails ? 'details' : 'head'] += size
    if (this.#held.details <= MAX_DETAILS && this.#held.head <= MAX_HEAD) return
    const message = 'This is more than an entry or the head of a statement ever holds.'
    throw new StatementError('batch', element.place, message)
  }

  #take(piece: Extract<XmlPiece, { kind: 'element' }>): void {
    const { element } = piece
    if (this.#entry !== null) {
      this.#hold(piece)
      if (element.name !== 'TxDtls') this.#entry.fields.push(element)
      else if (this.#entry.details.push(element) > MAX_BATCH) {
        const message = `More than ${MAX_BATCH} transactions in one entry. Ask the bank to book them in smaller batches.`
        throw new StatementError('batch', element.place, message)
      }
      return
    }
    if (element.name === 'GrpHdr') this.#page = pageIn(childOf(element, 'MsgPgntn'))
    if (this.#statement === null) return
    if (element.name === 'TxsSummry') this.#statement.totals.state(element)
    else if (BEFORE_ENTRIES.has(element.name)) {
      if (this.#statement.begun) throw misplaced(element.name, element.place)
      this.#hold(piece)
      this.#statement.head.push(element)
    }
  }

  *#begin(): Generator<StatementPart> {
    const statement = this.#statement
    if (statement === null || statement.begun) return
    statement.begun = true
    const { head, place } = statement
    const field = (name: string): XmlElement | undefined => onlyOf(head, name)
    const account = field('Acct')
    const number = childOf(account, 'Id')
    const named = childOf(number, 'IBAN') ?? childOf(childOf(number, 'Othr'), 'Id')
    if (named === undefined) throw new StatementError('account', place, 'The statement names no account.')
    statement.account = accountOf(named.text, named.place)
    const page = pageIn(field('StmtPgntn')) ?? this.#page
    const none = { opening: null, closing: null, isPart: false, begins: true, ends: true }
    const { opening, closing, isPart, begins, ends } = this.#isStatement ? balancesOf(head, page) : none
    const told = closing ?? opening
    statement.currency = textOf(account, 'Ccy') ?? told?.currency ?? null
    if (told !== null && told.currency !== statement.currency) throw otherCurrency(told, statement.currency!)
    const period = field('FrToDt')
    const from = timeOf(childOf(period, 'FrDtTm'))?.day ?? null
    statement.closing = closing
    statement.toOn = closing?.day ?? timeOf(childOf(period, 'ToDtTm'))?.day ?? null
    const id = idOf(field('Id'))
    if (isPart && page !== null) {
      if (!page.isLast && !ends) statement.goesOn = { id, page: page.number }
      statement.isCarried = !begins && this.#follows({ id, page: page.number, opening }, statement)
    }
    if (statement.isCarried) return
    yield* this.#endCarried()
    yield {
      kind: 'begin',
      place,
      account: statement.account,
      currency: statement.currency,
      statementRef: id,
      // The day of an opening balance may be the one before the statement's first, unless it has but one day.
      fromOn: from ?? (opening !== null && opening.day === closing?.day ? opening.day : null),
      toOn: statement.toOn,
      openingUnits: opening?.units ?? null,
      complete: this.#isStatement && !isPart,
    }
  }

  /** Whether a page goes on where the statement before it in this file ended. Throws where another should stand there. */
  #follows(
    { id, page, opening }: { id: string | null; page: number; opening: Balance | null },
    { place, account, currency }: Statement,
  ): boolean {
    const before = this.#begun.get(account)
    if (before === undefined || (page <= 1 && (id === null || id !== before.id))) return false
    if (before !== this.#carried || page !== before.page + 1) {
      const message =
        `This is page ${page} of a statement and page ${before.page + 1} has to follow. ` +
        'Put all pages of a statement one after the other, each of them once.'
      throw new StatementError('truncated', place, message)
    }
    const { closing } = before
    if (opening === null || closing === null) return true
    if (opening.currency !== closing.currency) throw otherCurrency(opening, closing.currency)
    if (opening.units === closing.units) return true
    const shown = ({ units }: Balance): string => shownAmount(units, currency ?? opening.currency)
    const message = `The page before ended with ${shown(closing)} and this one begins with ${shown(opening)}: one is missing.`
    throw new StatementError('balance', opening.place, message)
  }

  *#endCarried(): Generator<StatementPart> {
    const carried = this.#carried
    this.#carried = null
    if (carried !== null) yield carried.end
  }

  *#closeEntry(): Generator<StatementPart> {
    const statement = this.#statement!
    const entry = this.#entry!
    this.#entry = null
    const { told, lines } = linesOfEntry(entry, statement)
    if (told.booked && told.money !== null) {
      const { currency, units } = told.money
      // A notification may leave the currency to its entries.
      if (units !== 0n) statement.currency ??= currency
      if (statement.currency !== null && currency !== statement.currency) {
        const message = `This entry is in ${currency} and the statement in ${statement.currency}.`
        throw new StatementError('currency', entry.place, message)
      }
    }
    statement.totals.add(told)
    for (const line of lines) yield { kind: 'line', ...line }
  }

  *#closeStatement(place: Place): Generator<StatementPart> {
    yield* this.#begin()
    const { account, closing, toOn, totals, currency, goesOn, isCarried } = this.#statement!
    this.#statement = null
    // Each page states what it holds itself.
    const stated = totals.check(currency)
    const end: Begun['end'] = {
      kind: 'end',
      place: closing?.place ?? place,
      closingUnits: closing?.units ?? null,
      toOn: toOn ?? (isCarried ? this.#carried!.end.toOn : null),
      stated: isCarried || goesOn !== null ? NOTHING_STATED : stated,
    }
    this.#carried = null
    this.#begun.delete(account)
    if (goesOn === null) return yield end
    this.#carried = { ...goesOn, closing, end }
    this.#begun.set(account, this.#carried)
  }

  *finish(): Generator<StatementPart> {
    yield* this.#endCarried()
  }
}

const NOTHING_STATED = { lines: null, creditUnits: null, debitUnits: null }

const misplaced = (name: string, place: Place): StatementError =>
  new StatementError(
    'order',
    place,
    `${name} does not stand where the message has it. Download the file again.`,
  )

function messageOf(namespace: string, place: Place): CamtMessage {
  const name = namespace.startsWith(NAMESPACE) ? namespace.slice(NAMESPACE.length) : namespace
  const message = CAMT_MESSAGES.find((known) => known === name)
  if (message !== undefined) return message
  throw new StatementError(
    'version',
    place,
    `${JSON.stringify(name.slice(0, 60))} is not read. Ask the bank for ${CAMT_MESSAGES.join(', ')}.`,
  )
}

function idOf(element: XmlElement | undefined): string | null {
  return element === undefined || element.text === '' ? null : boundReference(element, element.text)
}
