export const MIN_AGE_YEARS = 18
export const MAX_AGE_YEARS = 120

export type DateProblem = 'invalid' | 'too_young' | 'in_the_future' | 'document_expired'

/** A real day of the calendar written `YYYY-MM-DD`; the 30th of February is none. */
export function isCalendarDay(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  if (!match) return false
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

/** Full years lived on the day of `now` (UTC). Whoever was born on 29 February has the birthday on 1 March. */
export function ageInYears(birthDate: string, now: Date): number {
  const years = now.getUTCFullYear() - Number(birthDate.slice(0, 4))
  return dayOf(now).slice(5) < birthDate.slice(5) ? years - 1 : years
}

/** Null when the date is a real day and the person is neither too young nor impossibly old. */
export function findBirthDateProblem(text: string, now: Date): DateProblem | null {
  if (!isCalendarDay(text)) return 'invalid'
  if (text > dayOf(now)) return 'in_the_future'
  const age = ageInYears(text, now)
  if (age < MIN_AGE_YEARS) return 'too_young'
  return age > MAX_AGE_YEARS ? 'invalid' : null
}

/** Null when a company can have been founded on that day. */
export function findIncorporationProblem(text: string, now: Date): DateProblem | null {
  if (!isCalendarDay(text) || text < '1600-01-01') return 'invalid'
  return text > dayOf(now) ? 'in_the_future' : null
}

/** `text` is the last day on which the document is valid. */
export function findExpiryProblem(text: string, now: Date): DateProblem | null {
  if (!isCalendarDay(text)) return 'invalid'
  return text < dayOf(now) ? 'document_expired' : null
}

const dayOf = (time: Date): string => time.toISOString().slice(0, 10)
