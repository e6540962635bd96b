import {
  ENHANCED_FIELDS,
  type EnhancedField,
  type EnhancedReason,
  type EnhancedReasonField,
} from '../providers/kyc/enhanced.ts'
import {
  CHOICES,
  conditionsFor,
  INCOME_CURRENCIES,
  INCOME_RANGES,
  MONTHLY_VOLUMES,
} from './enhanced-choices.ts'
import type { EnhancedFields } from './enhanced-data.ts'
import { parseCountry } from './identity/countries.ts'

export type CustomerType = 'individual' | 'company'

export type EnhancedProblem = 'required' | 'invalid' | 'too_long' | 'does_not_match_name'

export type EnhancedErrors = Partial<Record<EnhancedReasonField | 'signature', EnhancedProblem[]>>

/** The most files that one declaration takes. */
export const MOST_DOCUMENTS = 10

/** May stay empty. Few countries' people know their number by heart, and some have none. */
export const OPTIONAL_FIELDS: readonly EnhancedField[] = ['tax_number']

const FIELDS_OF: Record<CustomerType, readonly EnhancedField[]> = {
  individual: ENHANCED_FIELDS,
  company: ENHANCED_FIELDS.filter((field) => field !== 'employment_status' && field !== 'employer'),
}

/** Whether a rejected part can be mended; what is about the customer as a whole can't. */
export const isMendable = ({ field, code }: EnhancedReason): boolean =>
  field !== null && code !== 'not_accepted'

/** The fields that may be changed now: all of a new form; of one sent back those to mend, and what hangs on them. */
export function askedFields(type: CustomerType, reasons: readonly EnhancedReason[]): EnhancedField[] {
  const fields = FIELDS_OF[type]
  if (reasons.length === 0) return [...fields]
  const rejected = new Set(reasons.filter(isMendable).map(({ field }) => field))
  // A range means nothing in another currency.
  if (rejected.has('income_currency')) rejected.add('income_range')
  const conditions = conditionsFor(type)
  return fields.filter((field) => {
    const condition = conditions[field]
    return rejected.has(field) || (condition && rejected.has(condition.field))
  })
}

export const areDocumentsAsked = (reasons: readonly EnhancedReason[]): boolean =>
  reasons.length === 0 || reasons.some((reason) => isMendable(reason) && reason.field === 'documents')

/** Whether a field belongs into the declaration, as the others stand. */
export function isWanted(type: CustomerType, fields: EnhancedFields, field: EnhancedField): boolean {
  if (!FIELDS_OF[type].includes(field)) return false
  const condition = conditionsFor(type)[field]
  return condition === undefined || condition.values.includes(fields[condition.field] ?? '')
}

/** Applies typed values to what is known: all, or none and what is wrong with each. Blank text clears a field. */
export function applyChanges(
  type: CustomerType,
  changes: Partial<Record<EnhancedField, string>>,
  known: EnhancedFields,
): { fields: EnhancedFields; errors: EnhancedErrors } {
  const fields = { ...known }
  const errors: EnhancedErrors = {}
  const changed = ENHANCED_FIELDS.filter((field) => changes[field] !== undefined)
  for (const field of changed) {
    const typed = plain(changes[field]!)
    fields[field] = typed === '' ? null : typed
  }
  const range = fields.income_range
  // Another currency was chosen: the old range means nothing in it.
  if (!changed.includes('income_range') && range !== null && !isIncomeRange(fields, range)) {
    fields.income_range = null
  }
  for (const field of ENHANCED_FIELDS) {
    if (!isWanted(type, fields, field)) fields[field] = null
    else if (changed.includes(field)) {
      const problem = findProblem(fields, field)
      if (problem) errors[field] = [problem]
      else if (field === 'tax_residence') fields[field] = parseCountry(fields[field]!) ?? null
    }
  }
  return Object.keys(errors).length > 0 ? { fields: known, errors } : { fields, errors }
}

/** What still keeps a declaration from being sent, its documents and signature apart. */
export function findFaults(type: CustomerType, fields: EnhancedFields): EnhancedErrors {
  const errors: EnhancedErrors = {}
  for (const field of ENHANCED_FIELDS) {
    if (!isWanted(type, fields, field)) continue
    const problem = findProblem(fields, field)
    if (problem) errors[field] = [problem]
  }
  return errors
}

function findProblem(fields: EnhancedFields, field: EnhancedField): EnhancedProblem | null {
  const value = fields[field]
  if (value === null) return OPTIONAL_FIELDS.includes(field) ? null : 'required'
  switch (field) {
    case 'employment_status':
    case 'sector':
    case 'source_of_funds':
    case 'purpose':
    case 'pep':
      return (CHOICES[field] as readonly string[]).includes(value) ? null : 'invalid'
    case 'income_currency':
      return (INCOME_CURRENCIES as readonly string[]).includes(value) ? null : 'invalid'
    case 'income_range':
      return isIncomeRange(fields, value) ? null : 'invalid'
    case 'monthly_volume':
      return MONTHLY_VOLUMES.some(({ code }) => code === value) ? null : 'invalid'
    case 'tax_residence':
      return parseCountry(value) === undefined ? 'invalid' : null
    case 'tax_number':
      return judgeText(value, 40)
    case 'occupation':
    case 'employer':
      return judgeText(value, 120)
    default:
      return judgeText(value, 500)
  }
}

function isIncomeRange({ income_currency: currency }: EnhancedFields, range: string): boolean {
  const ranges = currency !== null && Object.hasOwn(INCOME_RANGES, currency) ? INCOME_RANGES[currency] : []
  return ranges!.some(({ code }) => code === range)
}

function judgeText(value: string, maxLength: number): EnhancedProblem | null {
  if (value.length > maxLength) return 'too_long'
  return /[\p{L}\p{N}]/u.test(value) && !/\p{Cc}/u.test(value) ? null : 'invalid'
}

/**
 * Judges a signature: for a person the name that was verified, its first name and first last name at least, whatever
 * case and accents; for a company the name of whoever signs for it.
 */
export function judgeSignature(
  typed: string,
  { type, name, lastName }: { type: CustomerType; name: string | null; lastName: string | null },
): EnhancedProblem | null {
  const text = plain(typed)
  if (text === '') return 'required'
  if (text.length > 200) return 'too_long'
  if (/[^\p{L}\p{M} .,'’·-]/u.test(text)) return 'invalid'
  const words = wordsOf(text)
  if (type === 'company') return words.length >= 2 ? null : 'invalid'
  const [first, last] = [wordsOf(name ?? ''), wordsOf(lastName ?? '')]
  const known = [...first, ...last]
  const needed = [first[0], last[0]].filter((word) => word !== undefined)
  const fits = words.every((word) => known.includes(word)) && needed.every((word) => words.includes(word))
  return fits && words.length > 0 ? null : 'does_not_match_name'
}

const wordsOf = (text: string): string[] =>
  text
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .filter(Boolean)

/** One way of writing the same text. */
export const plain = (text: string): string => text.normalize('NFC').trim().replace(/ {2,}/g, ' ')
