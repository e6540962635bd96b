/** What every screen of the company's verification page is handed. */
import type { CompanyField, KybPerson, KybProblem, KybView } from '../../src/hosted/kyb-wire.ts'
import type { Draft } from '../shared/draft.ts'
import type { Live } from '../shared/live.ts'
import { useAction } from '../shared/use-action.ts'
import { useSpeech } from '../shared/words.tsx'
import type { KybApi } from './api.ts'
import type { KybWords } from './messages/en.ts'
import { splitPart } from './steps.ts'

export interface Scene {
  view: KybView
  live: Live<KybView>
  api: KybApi
  draft: Draft<CompanyField>
  /** To a step, or to a person's form or photos: `people`, `person-2`, `person-new`, `photos-2`. */
  go: (place: string) => void
}

export const useKybSpeech = () => useSpeech<KybWords>()

export function useKybAction(scene: Pick<Scene, 'live'>) {
  const { words } = useKybSpeech()
  return useAction(scene.live, (code) => {
    if (code === 'password_incorrect') return words.passwordWrong
    if (code === 'invalid_file') return words.problem_not_a_document
    if (code === 'body_too_large') return words.fileTooLarge
    return /^(invalid_|fail_mandatory_field|country_not_supported)/.test(code) ? words.fixErrors : undefined
  })
}

export function problemText(
  words: KybWords,
  view: Pick<KybView, 'min_age'>,
  code: KybProblem,
  spare?: string,
): string {
  if (code === 'too_young') return words.problem_too_young(view.min_age)
  return words[`problem_${code}`] ?? spare ?? words.problem_invalid
}

const textOf = (words: KybWords, key: string): string | undefined =>
  (words as unknown as Record<string, string | undefined>)[key]

/** A part of the form in words; of a person with the name in front. */
export function partName(words: KybWords, { people }: Pick<KybView, 'people'>, part: string): string {
  const of = splitPart(part)
  if (!of) return textOf(words, `company_field_${part}`) ?? textOf(words, `field_${part}`) ?? part
  const person = people.find(({ id }) => id === of.id)
  const name = textOf(words, `field_${of.part}`) ?? of.part
  return person ? `${fullName(person)}, ${name}` : name
}

export const fullName = ({ name, last_name }: Pick<KybPerson, 'name' | 'last_name'>): string =>
  `${name} ${last_name}`

/** The countries' own abbreviations are the same in all languages. */
export const companyTypeName = (words: KybWords, type: string): string =>
  type === 'COMPANY_REGISTRATION' ? words.companyRegistration : type

export function percentText(language: string, percent: number): string {
  return new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 2 }).format(percent / 100)
}

/** What a person is to the company: `Representative · Owns 60%`. */
export function rolesText(words: KybWords, language: string, person: KybPerson): string {
  const { is_representative: represents, ownership_percent: share } = person
  const owns = share && words.owns(percentText(language, Number(share)))
  return [represents && words.represents, owns].filter(Boolean).join(' · ')
}
