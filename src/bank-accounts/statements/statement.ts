/**
 * What every format of statement says, piece by piece in the order of the file, so that a file of any size is read in
 * little memory: for each statement one `begin`, its lines, one `end`.
 */
export type StatementPart =
  | ({ kind: 'begin' } & StatementHead)
  | ({ kind: 'line' } & StatementLine)
  | ({ kind: 'end' } & StatementEnd)

/** Where in a file something stands, both from 1. */
export interface Place {
  line: number
  column: number
}

export interface StatementHead {
  place: Place
  /** As the file names the account: an IBAN, or the number that its country's bank uses, such as a CCC of 20 digits. */
  account: string
  /** ISO 4217; null when the file leaves it to the account. */
  currency: string | null
  /** The bank's number of this statement. */
  statementRef: string | null
  /** `YYYY-MM-DD` */
  fromOn: string | null
  toOn: string | null
  /** Base units, negative when overdrawn; null when the file tells none, as a camt.054 or a list of movements. */
  openingUnits: bigint | null
  /**
   * Whether it holds every line of the days that it covers, as a statement of account does; a notification (camt.054),
   * an intraday report or a list that somebody filtered does not.
   */
  complete: boolean
}

/** A booked line. What is only announced (pending, information) is no line. */
export interface StatementLine {
  place: Place
  /** The bank's own reference of the line (camt `AcctSvcrRef`, MT940 after `//`); null when it has none. */
  bankRef: string | null
  /** `YYYY-MM-DD` */
  bookedOn: string
  /** Only where the bank tells the time of booking. */
  bookedAt: Date | null
  /** `YYYY-MM-DD` */
  valueDate: string
  direction: 'credit' | 'debit'
  /** Base units of `currency`, always positive. A reversal of a credit is a debit, and the other way round. */
  units: bigint
  currency: string
  /** The account's balance after this line, where the file tells it. */
  balanceUnits: bigint | null
  counterpartyName: string
  counterpartyIban: string | null
  /** What the payer wrote, whole: the pieces that a format cuts it into are joined again. */
  concept: string
  endToEndId: string | null
  /** Why a transfer of ours came back, ISO 20022 (`AC04`); null when this line gives nothing back. */
  returnCode: string | null
  returnText: string | null
  /** Of a debit that takes a credit back (a reversal): references by which the bank may name that credit, if any. */
  reverses?: readonly string[]
  /** Where it may be several transfers in one sum, or one of several of which the bank made a sum. */
  batch?: BatchMark
}

/** What an entry says by which its sum is known again where its transfers are told, and the other way round. */
export interface BatchMark {
  /** Its place: the same for all lines that one entry gave. */
  entry: string
  /** Names of the sum that mean the same in every message of the bank, such as `entry:…`. */
  refs: readonly string[]
  /** Of how many transfers it is; 1: it is one of a sum, and no sum. Null where that is not told. */
  transfers: number | null
}

export interface StatementEnd {
  place: Place
  closingUnits: bigint | null
  toOn: string | null
  /** What the file itself says that it holds, to be compared; null where it doesn't say. */
  stated: { lines: number | null; creditUnits: bigint | null; debitUnits: bigint | null }
}

/** What can't be read, where, and how to mend it. Nothing of such a file is kept. */
export class StatementError extends Error {
  readonly place: Place
  /** Stable, for the log: `truncated`, `encoding`, `doctype`, `balance`, `totals`, `amount`, `date`, `account`, … */
  readonly code: string
  /** The message without its place. */
  readonly text: string

  constructor(code: string, place: Place, text: string) {
    super(`Line ${place.line}, column ${place.column}: ${text}`)
    this.name = 'StatementError'
    this.code = code
    this.place = place
    this.text = text
  }
}

/** Reads one format. Throws `StatementError`. Never holds more than one line of the statement and its text. */
export type StatementReader = (bytes: AsyncIterable<Uint8Array>) => AsyncIterable<StatementPart>
