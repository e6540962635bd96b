import { childOf, type Money, repeated, textOf } from './camt-values.ts'
import type { XmlElement } from './read-xml.ts'
import { type StatementEnd, StatementError } from './statement.ts'
import { currencyOf, shownAmount, unitsOf } from './statement-values.ts'

/** An entry as the bank told it, before it was cut into transactions. */
export interface ToldEntry {
  direction: 'credit' | 'debit'
  /** Null only of what isn't booked and is told in another currency than the statement's. */
  money: Money | null
  booked: boolean
  /** How many lines it gave. */
  lines: number
}

interface Sum {
  count: number
  /** Of the credits, or of the debits, or of both; null where one of them is in another currency. */
  units: bigint | null
  /** The same with debits taken off; null for one side alone. */
  net: bigint | null
}

/**
 * Holds the entries to what `TxsSummry` says of them. Banks count either every entry or the booked ones: each of its
 * numbers must fit one of the two.
 */
export class CamtTotals {
  #summary: XmlElement | null = null
  #lines = 0
  readonly #all = { credit: emptySum(), debit: emptySum() }
  readonly #booked = { credit: emptySum(), debit: emptySum() }
  /** Of all entries; a sum is of one. */
  readonly #currencies = new Set<string>()

  state(summary: XmlElement): void {
    if (this.#summary !== null) throw repeated(summary)
    this.#summary = summary
  }

  add({ direction, money, booked, lines }: ToldEntry): void {
    if (money !== null) this.#currencies.add(money.currency)
    for (const sums of booked ? [this.#all, this.#booked] : [this.#all]) {
      const sum = sums[direction]
      sum.count += 1
      sum.units = sum.units === null || money === null ? null : sum.units + money.units
    }
    this.#lines += lines
  }

  /** What the file stated of its lines, all in `currency`. Throws `totals` where it isn't so. */
  check(currency: string | null): StatementEnd['stated'] {
    const credit = childOf(this.#summary ?? undefined, 'TtlCdtNtries')
    const debit = childOf(this.#summary ?? undefined, 'TtlDbtNtries')
    const all = childOf(this.#summary ?? undefined, 'TtlNtries')
    // What is pending is in another currency: the sum of all can't be told.
    const isMixed = this.#currencies.size > 1
    const told = isMixed ? { credit: unknown(this.#all.credit), debit: unknown(this.#all.debit) } : this.#all
    const bookedAll = both(this.#booked)
    compare(all, currency, bookedAll, both(told))
    const creditUnits = compare(credit, currency, this.#booked.credit, told.credit)
    const debitUnits = compare(debit, currency, this.#booked.debit, told.debit)
    const counted = textOf(all, 'NbOfNtries') !== null && bookedAll.count === this.#lines
    return { lines: counted ? this.#lines : null, creditUnits, debitUnits }
  }
}

const emptySum = (): Sum => ({ count: 0, units: 0n, net: null })
const unknown = ({ count }: Sum): Sum => ({ count, units: null, net: null })

function both({ credit, debit }: Record<'credit' | 'debit', Sum>): Sum {
  const count = credit.count + debit.count
  if (credit.units === null || debit.units === null) return { count, units: null, net: null }
  return { count, units: credit.units + debit.units, net: credit.units - debit.units }
}

/** A sum as stated: of the amounts, or with debits taken off, with its sign or without one. */
const isSum = (stated: bigint, { units, net }: Sum): boolean =>
  stated === units || (net !== null && (stated === net || stated === -net))

/** Compares a stated count and sum with both ways to count; answers the booked sum when it was stated. */
function compare(
  stated: XmlElement | undefined,
  currency: string | null,
  booked: Sum,
  all: Sum,
): bigint | null {
  const count = childOf(stated, 'NbOfNtries')
  if (count !== undefined && ![booked.count, all.count].includes(Number(count.text))) {
    const message = `The file says that it holds ${count.text} entries and has ${booked.count}. Download it again.`
    throw new StatementError('totals', count.place, message)
  }
  const sum = childOf(stated, 'Sum')
  if (sum === undefined || currency === null) return null
  const isNegative = sum.text.startsWith('-')
  const size = unitsOf(isNegative ? sum.text.slice(1) : sum.text, currencyOf(currency, sum.place), sum.place)
  const units = isNegative ? -size : size
  if (isSum(units, booked)) return booked.units
  // What is pending in another currency may be among it.
  if (all.units === null) return null
  if (isSum(units, all)) return booked.units
  const message =
    `The file says that these entries make ${shownAmount(units, currency)}; they make ` +
    `${shownAmount(booked.units ?? 0n, currency)}. Download it again.`
  throw new StatementError('totals', sum.place, message)
}
