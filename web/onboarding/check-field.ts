/** What the page can say about a field by itself. The server judges again. */
import type { OnboardingField, OnboardingProblem, OnboardingView } from '../../src/hosted/onboarding-wire.ts'
import type { Reader } from './steps.ts'

export interface CheckContext {
  optional: boolean
  view: Pick<OnboardingView, 'income_ranges'>
  read: Reader
}

/** The longest text of each typed field; the others are chosen from lists. */
export const longest: Partial<Record<OnboardingField, number>> = {
  occupation: 120,
  employer: 120,
  source_details: 500,
  purpose_details: 500,
  pep_details: 500,
  tax_number: 40,
}

export function checkField(
  field: OnboardingField,
  value: string,
  { optional, view, read }: CheckContext,
): OnboardingProblem | null {
  const text = value.trim()
  if (text === '') return optional ? null : 'required'
  if (field === 'income_range') {
    const ranges = view.income_ranges[read('income_currency')] ?? []
    return ranges.some(({ code }) => code === text) ? null : 'required'
  }
  const most = longest[field]
  if (most === undefined) return null
  if (text.length > most) return 'too_long'
  return /[\p{L}\p{N}]/u.test(text) ? null : 'invalid'
}
