import { fiatAsset } from '../../money/asset.ts'
import { type Place, StatementError, type StatementHead, type StatementPart } from './statement.ts'
import { shownAmount } from './statement-values.ts'

const MEND = 'Lines are missing or were altered: download the file again.'

/**
 * Passes the parts of a reader on and holds them to what the file says of itself, in every format alike: balances
 * after a line that follow from one another, an opening balance and lines that make the closing one (`balance`), one
 * currency (`currency`), and stated counts and sums (`totals`). A file that told nothing is refused (`empty`), as are
 * amounts that nobody moves (`amount`) and, where `now` is given, days that it can't tell of (`date`).
 */
export async function* checkStatement(
  parts: AsyncIterable<StatementPart>,
  now?: Date,
): AsyncGenerator<StatementPart> {
  let sums: Sums | null = null
  let statements = 0
  let last: Place = { line: 1, column: 1 }
  for await (const part of parts) {
    last = part.place
    if (part.kind === 'begin') {
      statements += 1
      sums = new Sums(part)
    } else if (part.kind === 'line') {
      refuseAmount(part)
      if (now !== undefined) refuseDay(part, now)
      sums?.add(part)
    } else {
      sums?.end(part)
      sums = null
    }
    yield part
  }
  if (sums !== null) throw new StatementError('truncated', last, 'The file ends inside a statement.')
  if (statements === 0) throw new StatementError('empty', last, 'There is no statement in this file.')
}

const DAY_MS = 86_400_000
const MOST_YEARS = 10
/** In the currency's major units: ten billion. */
const MOST = 10_000_000_000n

/** A digit too many somewhere, or a column that is no amount. */
function refuseAmount({ units, currency, place }: Extract<StatementPart, { kind: 'line' }>): void {
  const most = MOST * 10n ** BigInt(fiatAsset(currency)?.decimals ?? 2)
  if (units <= most) return
  const shown = shownAmount(units, currency)
  throw new StatementError(
    'amount',
    place,
    `${shown} is more than a line can be of (${shownAmount(most, currency)}).`,
  )
}

/** Days begin earlier elsewhere, so that tomorrow's is one; what is older than the books can be is read wrongly. */
function refuseDay({ bookedOn, place }: Extract<StatementPart, { kind: 'line' }>, now: Date): void {
  const tomorrow = new Date(now.getTime() + DAY_MS).toISOString().slice(0, 10)
  const today = now.toISOString().slice(0, 10)
  const first = `${String(Number(today.slice(0, 4)) - MOST_YEARS).padStart(4, '0')}${today.slice(4)}`
  if (bookedOn > tomorrow) {
    throw new StatementError('date', place, `The line is booked on ${bookedOn}, which has not come yet.`)
  }
  if (bookedOn < first) {
    throw new StatementError(
      'date',
      place,
      `The line is booked on ${bookedOn}, more than ${MOST_YEARS} years ago.`,
    )
  }
}

class Sums {
  readonly #opening: bigint | null
  #currency: string | null
  #lines = 0
  #credit = 0n
  #debit = 0n
  /** Signed, of the line before. */
  #before = 0n
  #balance: bigint | null
  /** A list may begin with the newest line; until balances tell, both are possible. */
  #oldestFirst = true
  #newestFirst: boolean

  constructor(head: StatementHead) {
    this.#opening = head.openingUnits
    this.#currency = head.currency
    this.#balance = head.openingUnits
    this.#newestFirst = head.openingUnits === null
  }

  add(line: Extract<StatementPart, { kind: 'line' }>): void {
    this.#currency ??= line.currency
    if (line.currency !== this.#currency) {
      throw new StatementError(
        'currency',
        line.place,
        `This line is in ${line.currency} and the statement in ${this.#currency}.`,
      )
    }
    const signed = line.direction === 'credit' ? line.units : -line.units
    this.#lines += 1
    if (line.direction === 'credit') this.#credit += line.units
    else this.#debit += line.units
    this.#followBalance(line, signed)
    this.#before = signed
  }

  #followBalance(line: Extract<StatementPart, { kind: 'line' }>, signed: bigint): void {
    const told = line.balanceUnits
    const before = this.#balance
    if (before !== null && told !== null) {
      this.#oldestFirst &&= before + signed === told
      this.#newestFirst &&= told + this.#before === before
      if (!this.#oldestFirst && !this.#newestFirst) {
        const shown = (units: bigint): string => shownAmount(units, line.currency)
        throw new StatementError(
          'balance',
          line.place,
          `The balance after this line is ${shown(told)}; with ${shown(before)} beside it and ${shown(signed)} moved ` +
            `that can't be. ${MEND}`,
        )
      }
    }
    // Between balances that are told the lines carry it on, where the order is known.
    if (told !== null) this.#balance = told
    else this.#balance = before === null || this.#newestFirst ? null : before + signed
  }

  end(part: Extract<StatementPart, { kind: 'end' }>): void {
    const shown = (units: bigint): string => shownAmount(units, this.#currency ?? '')
    const { lines, creditUnits, debitUnits } = part.stated
    if (lines !== null && lines !== this.#lines) {
      const message = `The file says that it holds ${lines} lines and has ${this.#lines}. ${MEND}`
      throw new StatementError('totals', part.place, message)
    }
    for (const [stated, sum, name] of [
      [creditUnits, this.#credit, 'credits'],
      [debitUnits, this.#debit, 'debits'],
    ] as const) {
      if (stated === null || stated === sum) continue
      const message = `The file says that its ${name} make ${shown(stated)}; they make ${shown(sum)}. ${MEND}`
      throw new StatementError('totals', part.place, message)
    }
    if (this.#opening === null || part.closingUnits === null) return
    const closing = this.#opening + this.#credit - this.#debit
    if (closing === part.closingUnits) return
    throw new StatementError(
      'balance',
      part.place,
      `The opening balance ${shown(this.#opening)}, credits of ${shown(this.#credit)} and debits of ` +
        `${shown(this.#debit)} make ${shown(closing)}, and the closing balance is ${shown(part.closingUnits)}. ${MEND}`,
    )
  }
}
