import { childOf, repeated, textOf } from './camt-values.ts'
import type { XmlElement } from './read-xml.ts'
import { type StatementEnd, StatementError } from './statement.ts'
import { currencyOf, shownAmount, unitsOf } from './statement-values.ts'

/** An entry as the bank told it, before it was cut into transactions. */
export interface ToldEntry {
  direction: 'credit' | 'debit'
  units: bigint
  currency: string
  booked: boolean
  /** How many lines it gave. */
  lines: number
}

interface Sum {
  count: number
  units: bigint
}

/**
 * Holds the entries to what `TxsSummry` says of them. Banks count either every entry or the booked ones: each of its
 * numbers must fit one of the two.
 */
export class CamtTotals {
  #summary: XmlElement | null = null
  #lines = 0
  readonly #all = { credit: { count: 0, units: 0n }, debit: { count: 0, units: 0n } }
  readonly #booked = { credit: { count: 0, units: 0n }, debit: { count: 0, units: 0n } }

  state(summary: XmlElement): void {
    if (this.#summary !== null) throw repeated(summary)
    this.#summary = summary
  }

  add({ direction, units, booked, lines }: ToldEntry): void {
    for (const sums of booked ? [this.#all, this.#booked] : [this.#all]) {
      sums[direction].count += 1
      sums[direction].units += units
    }
    this.#lines += lines
  }

  /** What the file stated of its lines. Throws `totals` where it isn't so. */
  check(currency: string | null): StatementEnd['stated'] {
    const credit = childOf(this.#summary ?? undefined, 'TtlCdtNtries')
    const debit = childOf(this.#summary ?? undefined, 'TtlDbtNtries')
    const all = childOf(this.#summary ?? undefined, 'TtlNtries')
    const both = ({ credit, debit }: Record<'credit' | 'debit', Sum>): Sum => ({
      count: credit.count + debit.count,
      units: credit.units + debit.units,
    })
    const bookedAll = both(this.#booked)
    compare(all, currency, bookedAll, both(this.#all))
    const creditUnits = compare(credit, currency, this.#booked.credit, this.#all.credit)
    const debitUnits = compare(debit, currency, this.#booked.debit, this.#all.debit)
    const counted = textOf(all, 'NbOfNtries') !== null && bookedAll.count === this.#lines
    return { lines: counted ? this.#lines : null, creditUnits, debitUnits }
  }
}

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
  const units = unitsOf(sum.text, currencyOf(currency, sum.place), sum.place)
  if (units !== booked.units && units !== all.units) {
    const message =
      `The file says that these entries make ${shownAmount(units, currency)}; they make ` +
      `${shownAmount(booked.units, currency)}. Download it again.`
    throw new StatementError('totals', sum.place, message)
  }
  return booked.units
}
