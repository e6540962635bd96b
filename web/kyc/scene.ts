/** What every screen of the verification page is handed. */
import type { FieldProblem, KycField, KycView } from '../../src/hosted/wire.ts'
import type { Live, Versioned } from '../shared/live.ts'
import { useAction } from '../shared/use-action.ts'
import { useSpeech } from '../shared/words.tsx'
import type { KycApi } from './api.ts'
import type { Draft } from './draft.ts'
import type { KycWords } from './messages/en.ts'
import type { KycStep } from './steps.ts'

export interface Scene {
  view: KycView
  live: Live<KycView>
  api: KycApi
  draft: Draft
  go: (step: KycStep) => void
}

export const useKycSpeech = () => useSpeech<KycWords>()

export function useKycAction<V extends Versioned = KycView>(scene: { live: Live<V> }) {
  const { words } = useKycSpeech()
  return useAction<V>(scene.live, (code) => (code.startsWith('invalid_') ? words.fixErrors : undefined))
}

export function problemText(
  words: KycWords,
  view: Pick<KycView, 'min_age'>,
  code: FieldProblem,
  spare?: string,
): string {
  if (code === 'too_young') return words.problem_too_young(view.min_age)
  return words[`problem_${code}`] ?? spare ?? words.problem_invalid
}

/** `ES_GOVERNMENT_ID` where the country has its own word, else the type's general name, else the bare code. */
export function typeName(words: KycWords, country: string, type: string): string {
  const texts = words as unknown as Record<string, string | undefined>
  return texts[`type_${country}_${type}`] ?? texts[`type_${type}`] ?? type
}

export function fieldName(words: KycWords, field: KycField): string {
  return words[`field_${field}`]
}
