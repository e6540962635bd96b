import type { Asset } from '../../money/asset.ts'
import { isValidIban, normaliseIban } from '../../providers/bank/iban.ts'
import type { Mt940Field } from './read-mt940.ts'
import { type Place, StatementError, type StatementLine } from './statement.ts'
import { dayOf, dayOfSix, mt940Units, NO_REASON_TOLD, referenceOf } from './statement-values.ts'

/** Value day, day of booking (or blanks), mark, letter of funds, amount, kind of movement, references. */
const MOVEMENT = /^(\d{6})(\d{4}| {4})?(RC|RD|C|D)([A-Z])?(\d+(?:,\d*)?) ?([A-Z][A-Z0-9]{3})(.*)$/
/** Words that say where the reference stands instead. */
const REFERENCE_ELSEWHERE = /^(EREF|MARF|PREF|KREF|MREF|REF)\+?$/
/** What SWIFT calls a returned item. */
const RETURNED = 'RTI'

/**
 * Reads `:61:` into a line without its details. Throws `field`, `date`, `amount`.
 */
export function readMovement(field: Mt940Field, currency: Asset): StatementLine {
  const [first = '', ...more] = field.lines
  const found = MOVEMENT.exec(first)
  if (found === null) {
    const shown = JSON.stringify(first.slice(0, 60))
    throw new StatementError(
      'field',
      field.place,
      `${shown} is no movement, such as 2603310331C1234,56NTRFNONREF.`,
    )
  }
  const [, value, entry, mark, funds = '', amount, kind, references] = found
  const at = (offset: number): Place => ({ ...field.place, column: field.place.column + 4 + offset })
  const valueDate = dayOfSix(value!, at(0))
  const place = at(6 + (entry?.length ?? 0) + mark!.length + funds.length)
  const units = mt940Units(amount!, currency, place, { commaMayLack: true })
  const direction = mark === 'C' || mark === 'RD' ? 'credit' : 'debit'
  const [own, bank] = splitOnce(references!, '//')
  const givesBack = direction === 'credit' && (mark === 'RD' || kind!.slice(1) === RETURNED)
  return {
    place: field.place,
    bankRef: referenceOf(bank),
    bookedOn: entry === undefined || entry.trim() === '' ? valueDate : bookedNear(valueDate, entry, at(6)),
    bookedAt: null,
    valueDate,
    direction,
    units,
    currency: currency.symbol,
    balanceUnits: null,
    counterpartyName: '',
    counterpartyIban: null,
    concept: more.join(' ').trim(),
    // Some banks put the other's account there, which is no reference.
    endToEndId:
      REFERENCE_ELSEWHERE.test(own.trim()) || isValidIban(normaliseIban(own)) ? null : referenceOf(own),
    returnCode: givesBack ? NO_REASON_TOLD : null,
    returnText: null,
    // Banks repeat the reference of what they take back.
    ...(mark === 'RC' ? { reverses: [bank, own].map(referenceOf).filter((ref) => ref !== null) } : {}),
  }
}

/** The day of booking is told without its year: the one that brings it nearest to the value day. */
function bookedNear(valueDate: string, entry: string, place: Place): string {
  const year = Number(valueDate.slice(0, 4))
  const value = Date.parse(valueDate)
  const month = Number(entry.slice(0, 2))
  const day = Number(entry.slice(2))
  const years =
    month === 2 && day === 29 ? [year, year - 1, year + 1].filter(isLeap) : [year, year - 1, year + 1]
  const days = (years.length === 0 ? [year] : years).map((candidate) => dayOf(candidate, month, day, place))
  const away = (candidate: string): number => Math.abs(Date.parse(candidate) - value)
  return days.reduce((best, candidate) => (away(candidate) < away(best) ? candidate : best))
}

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0

function splitOnce(text: string, by: string): [string, string | null] {
  const at = text.indexOf(by)
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + by.length)]
}
