import type { XmlElement } from './read-xml.ts'
import { StatementError } from './statement.ts'
import { currencyOf, dayOf, referenceOf, unitsOf } from './statement-values.ts'

/**
 * The child of this name, of which the messages have one at most. Throws `repeated` where there are more: nobody could
 * say which of two amounts or days is meant.
 */
export function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element === undefined ? undefined : onlyOf(element.children, name)
}

/** The element of this name among some that stand together. Throws `repeated`. */
export function onlyOf(elements: readonly XmlElement[], name: string): XmlElement | undefined {
  let found: XmlElement | undefined
  for (const element of elements) {
    if (element.name !== name) continue
    if (found !== undefined) throw repeated(element)
    found = element
  }
  return found
}

export const repeated = ({ name, place }: XmlElement): StatementError =>
  new StatementError('repeated', place, `${name} stands here twice. Ask the bank for a file that says one.`)

/** The text of a child; null when there is none or it is empty. */
export function textOf(element: XmlElement | undefined, name: string): string | null {
  return childOf(element, name)?.text || null
}

/** The messages have references of 35 characters, and some banks longer ones of their own. */
const MAX_REFERENCE = 140

/** The reference that a child tells, or null where it tells none. Throws `reference` where none is as long. */
export function referenceIn(element: XmlElement | undefined, name: string): string | null {
  const field = childOf(element, name)
  const reference = referenceOf(field?.text)
  return field === undefined || reference === null ? null : boundReference(field, reference)
}

export function boundReference({ name, place }: XmlElement, reference: string): string {
  if (reference.length <= MAX_REFERENCE) return reference
  const message = `${name} is longer than ${MAX_REFERENCE} characters, which no reference is. Ask the bank for another file.`
  throw new StatementError('reference', place, message)
}

export function childrenOf(element: XmlElement | undefined, name: string): XmlElement[] {
  return element?.children.filter((child) => child.name === name) ?? []
}

export interface Money {
  units: bigint
  currency: string
}

/** The `Amt` of an element. Throws `missing`, `amount`, `currency`. */
export function amountIn(element: XmlElement): Money {
  const amount = childOf(element, 'Amt')
  if (amount === undefined) {
    throw new StatementError('missing', element.place, `${element.name} has no amount (Amt).`)
  }
  return moneyOf(amount)
}

/** An amount with its currency in the attribute `Ccy`. */
export function moneyOf(amount: XmlElement): Money {
  const currency = currencyOf(amount.attributes.Ccy ?? '', amount.place)
  return { units: unitsOf(amount.text, currency, amount.place), currency: currency.symbol }
}

/** What `CdtDbtInd` says. */
export function directionOf(element: XmlElement): 'credit' | 'debit' {
  const said = childOf(element, 'CdtDbtInd')
  if (said?.text === 'CRDT') return 'credit'
  if (said?.text === 'DBIT') return 'debit'
  const place = said?.place ?? element.place
  throw new StatementError('missing', place, `${element.name} must say CRDT or DBIT (CdtDbtInd).`)
}

/** The day or time that `BookgDt` and its like hold, in `Dt` or in `DtTm`. Throws `repeated` where both stand. */
export function timeIn(element: XmlElement | undefined): ReturnType<typeof timeOf> {
  const day = childOf(element, 'Dt')
  const time = childOf(element, 'DtTm')
  if (day !== undefined && time !== undefined) throw repeated(time)
  return timeOf(day ?? time)
}

const TIME = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}:\d{2}:\d{2}(?:\.\d+)?))?(Z|[+-]\d{2}:\d{2})?$/

/**
 * A day or time as XML Schema has it; the day as the bank wrote it. The time is told only where the bank told a zone
 * with it and it isn't midnight, which stands for a day without a time.
 */
export function timeOf(element: XmlElement | undefined): { day: string; time: Date | null } | null {
  if (element === undefined) return null
  const found = TIME.exec(element.text)
  if (found === null) {
    const shown = JSON.stringify(element.text.slice(0, 40))
    throw new StatementError('date', element.place, `${shown} is no day or time, such as 2026-03-31.`)
  }
  const [, year, month, date, clock, zone] = found
  const day = dayOf(Number(year), Number(month), Number(date), element.place)
  const told = clock !== undefined && zone !== undefined && !clock.startsWith('00:00:00')
  const time = told ? new Date(element.text) : null
  if (time !== null && Number.isNaN(time.getTime())) {
    throw new StatementError('date', element.place, `There is no time ${element.text}.`)
  }
  return { day, time }
}
