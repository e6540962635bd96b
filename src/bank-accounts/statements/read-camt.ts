import { accountOf } from './account-number.ts'
import { type CamtEntry, linesOfEntry } from './camt-entry.ts'
import { CamtTotals } from './camt-totals.ts'
import { amountIn, childOf, directionOf, onlyOf, repeated, textOf, timeIn, timeOf } from './camt-values.ts'
import { checkStatement } from './check-statement.ts'
import { readXml, type XmlElement, type XmlPiece } from './read-xml.ts'
import { type Place, StatementError, type StatementPart, type StatementReader } from './statement.ts'

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
 * entry's, else one line.
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
}

interface Balance {
  units: bigint
  currency: string
  day: string | null
  place: Place
}

/** Follows the message piece by piece; holds the head of a statement, or one entry. */
class CamtReader {
  #isStatement = true
  /** Version 02 tells of pages for the whole message. */
  #inPages = false
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
      const unknown = { account: '', currency: null, closing: null, toOn: null }
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
    if (element.name === 'GrpHdr') this.#inPages = isPage(childOf(element, 'MsgPgntn'))
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
    const id = childOf(account, 'Id')
    const named = childOf(id, 'IBAN') ?? childOf(childOf(id, 'Othr'), 'Id')
    if (named === undefined) throw new StatementError('account', place, 'The statement names no account.')
    statement.account = accountOf(named.text, named.place)
    const { opening, closing, paged } = this.#balancesOf(head)
    statement.currency = textOf(account, 'Ccy') ?? opening?.currency ?? closing?.currency ?? null
    const period = field('FrToDt')
    const from = timeOf(childOf(period, 'FrDtTm'))?.day ?? null
    statement.closing = closing
    statement.toOn = closing?.day ?? timeOf(childOf(period, 'ToDtTm'))?.day ?? null
    yield {
      kind: 'begin',
      place,
      account: statement.account,
      currency: statement.currency,
      statementRef: field('Id')?.text || null,
      // The day of an opening balance may be the one before the statement's first, unless it has but one day.
      fromOn: from ?? (opening !== null && opening.day === closing?.day ? opening.day : null),
      toOn: statement.toOn,
      openingUnits: opening?.units ?? null,
      complete: this.#isStatement && !paged,
    }
  }

  /** Booked balances; a page that isn't the first or the last of its statement has interim ones in their place. */
  #balancesOf(head: readonly XmlElement[]): {
    opening: Balance | null
    closing: Balance | null
    paged: boolean
  } {
    const balances = head.filter(({ name }) => name === 'Bal')
    const has = (code: string): boolean => balances.some((element) => codeOf(element) === code)
    // A message of several pages may hold whole statements as well.
    const partial = this.#inPages && !((has('OPBD') || has('PRCD')) && has('CLBD'))
    const paged = partial || isPage(onlyOf(head, 'StmtPgntn'))
    if (!this.#isStatement) return { opening: null, closing: null, paged }
    const interim = paged ? balances.filter((element) => codeOf(element) === 'ITBD') : []
    const find = (code: string): XmlElement | undefined => {
      const [first, second] = balances.filter((element) => codeOf(element) === code)
      if (second !== undefined) throw repeated(second)
      return first
    }
    const closing = find('CLBD')
    const opening = find('OPBD') ?? find('PRCD') ?? (interim.length === 2 || closing ? interim[0] : undefined)
    const last = closing ?? (interim.length === 2 || opening !== interim[0] ? interim.at(-1) : undefined)
    return { opening: balanceOf(opening), closing: balanceOf(last), paged }
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
    const { closing, toOn, totals, currency } = this.#statement!
    this.#statement = null
    yield {
      kind: 'end',
      place: closing?.place ?? place,
      closingUnits: closing?.units ?? null,
      toOn,
      stated: totals.check(currency),
    }
  }
}

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

const isPage = (page: XmlElement | undefined): boolean =>
  page !== undefined && (textOf(page, 'LastPgInd') !== 'true' || textOf(page, 'PgNb') !== '1')

const codeOf = (balance: XmlElement): string | null =>
  textOf(childOf(childOf(balance, 'Tp'), 'CdOrPrtry'), 'Cd')

function balanceOf(element: XmlElement | undefined): Balance | null {
  if (element === undefined) return null
  const { units, currency } = amountIn(element)
  return {
    units: directionOf(element) === 'credit' ? units : -units,
    currency,
    day: timeIn(childOf(element, 'Dt'))?.day ?? null,
    place: element.place,
  }
}
