/** What the page can say about a field by itself. The server judges again, by the country's own rules. */
import type { CompanyField, KybProblem, PersonField } from '../../src/hosted/kyb-wire.ts'
import { checkField, isDay } from '../kyc/check-field.ts'

interface CheckContext {
  minAge: number
  /** The platform's today, `YYYY-MM-DD`. */
  today: string
}

export function checkCompanyField(
  field: CompanyField,
  value: string,
  { optional, today }: CheckContext & { optional: boolean },
): KybProblem | null {
  const text = value.trim()
  if (text === '') return optional ? null : 'required'
  if (field !== 'incorporation_date') return null
  if (!isDay(text) || text < '1600-01-01') return 'invalid'
  return text > today ? 'in_the_future' : null
}

/** `read` tells what else was typed of the person. */
export function checkPersonField(
  field: PersonField,
  read: (field: PersonField) => string,
  context: CheckContext,
): KybProblem | null {
  const text = read(field).trim()
  if (field === 'is_representative') {
    return read('is_representative') === 'yes' || read('is_owner') === 'yes' ? null : 'role_missing'
  }
  if (field === 'is_owner') return null
  if (field === 'ownership_percent') return read('is_owner') === 'yes' ? checkShare(text) : null
  if (field === 'is_politically_exposed') return text === '' ? 'required' : null
  return checkField(field, text, { ...context, optional: field === 'identification_country' })
}

function checkShare(text: string): KybProblem | null {
  if (text === '') return 'required'
  if (!/^\d{1,3}([.,]\d{1,2})?$/.test(text)) return 'invalid'
  const share = Number(text.replace(',', '.'))
  if (share > 100) return 'over_100'
  return share > 0 ? null : 'invalid'
}
