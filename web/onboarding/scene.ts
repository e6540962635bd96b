/** What every screen of the onboarding page is handed. */
import type {
  DocumentType,
  OnboardingField,
  OnboardingPart,
  OnboardingProblem,
  OnboardingView,
} from '../../src/hosted/onboarding-wire.ts'
import type { Draft } from '../shared/draft.ts'
import type { Live } from '../shared/live.ts'
import { useAction } from '../shared/use-action.ts'
import { useSpeech } from '../shared/words.tsx'
import type { OnboardingApi } from './api.ts'
import type { OnboardingWords } from './messages/en.ts'
import { currencyName, rangeText } from './ranges.ts'
import type { OnboardingStep } from './steps.ts'

export interface Scene {
  view: OnboardingView
  live: Live<OnboardingView>
  api: OnboardingApi
  draft: Draft<OnboardingField>
  go: (step: OnboardingStep) => void
}

export const useOnboardingSpeech = () => useSpeech<OnboardingWords>()

type Speech = ReturnType<typeof useOnboardingSpeech>

export function useOnboardingAction(scene: Scene) {
  const { words } = useOnboardingSpeech()
  return useAction(scene.live, (code) => {
    if (code === 'invalid_file') return words.problem_not_a_document
    if (code === 'body_too_large') return words.documentTooLarge
    return code === 'invalid_field' || code === 'fail_mandatory_field' ? words.fixErrors : undefined
  })
}

const textOf = (words: OnboardingWords, key: string): string | undefined =>
  (words as unknown as Record<string, string | undefined>)[key]

export function problemText(words: OnboardingWords, code: OnboardingProblem, spare?: string): string {
  return textOf(words, `problem_${code}`) ?? spare ?? words.problem_invalid
}

/** A company is asked some things in other words than a person. */
export function partName(words: OnboardingWords, view: OnboardingView, part: OnboardingPart): string {
  const own = view.customer_type === 'company' ? textOf(words, `company_field_${part}`) : undefined
  return own ?? textOf(words, `field_${part}`) ?? part
}

export function documentName(words: OnboardingWords, type: DocumentType): string {
  return textOf(words, `document_${type}`) ?? type
}

/** One of the choices of a field, in words. */
export function choiceText(
  { words, language, format }: Pick<Speech, 'words' | 'language' | 'format'>,
  field: OnboardingField,
  value: string,
  currency: string,
): string {
  if (field === 'tax_residence') return format.country(value)
  if (field === 'income_currency') return currencyName(language, value)
  if (field === 'income_range' || field === 'monthly_volume') {
    const [from = '0', to = ''] = value.split('-')
    const range = { from, to: to === '' ? null : to }
    return rangeText(words, language, range, field === 'monthly_volume' ? 'EUR' : currency)
  }
  return textOf(words, `${field}_${value}`) ?? value
}
