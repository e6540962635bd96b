/** What is typed of a verification but not saved yet. */
import type { KycField, KycView } from '../../src/hosted/wire.ts'
import { type Draft as AnyDraft, useDraft as useAnyDraft } from '../shared/draft.ts'

export type Draft = AnyDraft<KycField>

export function useDraft(view: KycView | null, token: string): Draft {
  return useAnyDraft<KycField>(`kyc:${token}`, (field) => saved(view, field))
}

/** Most people's papers come from where they live; whose don't changes it. */
function saved(view: KycView | null, field: KycField): string {
  const value = view?.data[field]
  if (!value && field === 'identification_country') return view?.data.country ?? ''
  return value ?? ''
}
