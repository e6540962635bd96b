import { amountIn, childOf, directionOf, type Money, repeated, textOf, timeIn } from './camt-values.ts'
import type { XmlElement } from './read-xml.ts'
import { type Place, StatementError } from './statement.ts'

/** A balance, negative when overdrawn. */
export interface Balance extends Money {
  day: string | null
  place: Place
}

/** Which page of a statement, or of the message that it stands in; null where it has but one. */
export interface Page {
  number: number
  isLast: boolean
}

/** What `StmtPgntn` or `MsgPgntn` says. A page that doesn't say that it is the first and the last is one of several. */
export function pageIn(element: XmlElement | undefined): Page | null {
  if (element === undefined) return null
  const last = textOf(element, 'LastPgInd')
  const number = textOf(element, 'PgNb') ?? ''
  const page = {
    number: /^\d{1,5}$/.test(number) ? Number(number) : 0,
    isLast: last === 'true' || last === '1',
  }
  return page.number === 1 && page.isLast ? null : page
}

export interface Balances {
  opening: Balance | null
  closing: Balance | null
  /** One of several pages and not the whole statement. */
  isPart: boolean
  /** Whether it has the balance that the statement, and not only this page, opens or closes with. */
  begins: boolean
  ends: boolean
}

/** Booked balances; a page that isn't the first or the last of its statement has interim ones in their place. */
export function balancesOf(head: readonly XmlElement[], page: Page | null): Balances {
  const balances = head.filter(({ name }) => name === 'Bal')
  const has = (code: string): boolean => balances.some((element) => codeOf(element) === code)
  const begins = has('OPBD') || has('PRCD')
  const ends = has('CLBD')
  // Among several pages there may be whole statements as well.
  const isPart = page !== null && !(begins && ends)
  const interim = isPart ? balances.filter((element) => codeOf(element) === 'ITBD') : []
  const single = (element: XmlElement | undefined): Balance | null =>
    element === undefined ? null : balanceOf(element)
  const opening =
    balanceAmong(balances, 'OPBD') ??
    balanceAmong(balances, 'PRCD') ??
    single(interim.length === 2 || ends ? interim[0] : undefined)
  const closing =
    balanceAmong(balances, 'CLBD') ?? single(interim.length === 2 || begins ? interim.at(-1) : undefined)
  if (opening !== null && closing !== null && opening.currency !== closing.currency) {
    throw otherCurrency(closing, opening.currency)
  }
  return { opening, closing, isPart, begins, ends }
}

export const otherCurrency = ({ currency, place }: Balance, expected: string): StatementError =>
  new StatementError('currency', place, `This balance is in ${currency} and the statement in ${expected}.`)

const codeOf = (balance: XmlElement): string | null =>
  textOf(childOf(childOf(balance, 'Tp'), 'CdOrPrtry'), 'Cd')

function subtypeOf(balance: XmlElement): string {
  const subtype = childOf(childOf(balance, 'Tp'), 'SubTp')
  return textOf(subtype, 'Cd') ?? textOf(subtype, 'Prtry') ?? ''
}

/**
 * The balance of a code. Banks add some of a subtype, such as in the base currency: the one without is meant. Throws
 * `repeated` where two that are meant alike are not the same.
 */
function balanceAmong(balances: readonly XmlElement[], code: string): Balance | null {
  const told = balances.filter((element) => codeOf(element) === code)
  const plain = told.filter((element) => subtypeOf(element) === '')
  const [first, ...others] = plain.length > 0 ? plain : told
  if (first === undefined) return null
  const balance = balanceOf(first)
  for (const element of others) {
    const { units, currency, day } = balanceOf(element)
    if (units !== balance.units || currency !== balance.currency || day !== balance.day)
      throw repeated(element)
  }
  return balance
}

function balanceOf(element: XmlElement): Balance {
  const { units, currency } = amountIn(element)
  return {
    units: directionOf(element) === 'credit' ? units : -units,
    currency,
    day: timeIn(childOf(element, 'Dt'))?.day ?? null,
    place: element.place,
  }
}
