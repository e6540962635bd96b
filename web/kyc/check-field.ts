/** What the page can say about a field by itself. The server judges again, by the country's own rules. */
import type { FieldProblem, KycField } from '../../src/hosted/wire.ts'

export interface CheckContext {
  optional: boolean
  minAge: number
  /** The platform's today, `YYYY-MM-DD`. */
  today: string
}

const longest = 200

export function checkField(field: KycField, value: string, context: CheckContext): FieldProblem | null {
  const text = value.trim()
  if (text === '') return context.optional ? null : 'required'
  if (text.length > longest) return 'too_long'
  if (field === 'birth_date') return checkBirthDate(text, context)
  if (field === 'identification_expires_on') return checkExpiry(text, context.today)
  if (field === 'phone') return /^\+[1-9][\d ().-]{6,20}$/.test(text) ? null : 'invalid'
  if (field === 'name' || field === 'last_name') return /\p{L}/u.test(text) ? null : 'invalid'
  return null
}

function checkBirthDate(text: string, { minAge, today }: CheckContext): FieldProblem | null {
  if (!isDay(text) || text < '1900-01-01') return 'invalid'
  if (text > today) return 'in_the_future'
  return ageOn(today, text) < minAge ? 'too_young' : null
}

function checkExpiry(text: string, today: string): FieldProblem | null {
  if (!isDay(text)) return 'invalid'
  return text < today ? 'document_expired' : null
}

/** A day of the calendar: the 30th of February is none. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const time = Date.parse(`${text}T00:00:00Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}

export function ageOn(today: string, birthDay: string): number {
  const years = Number(today.slice(0, 4)) - Number(birthDay.slice(0, 4))
  return today.slice(5) < birthDay.slice(5) ? years - 1 : years
}
