/** What is typed of a person and not saved yet. */
import type { KybView, PersonField, PersonRequest } from '../../src/hosted/kyb-wire.ts'
import { useDraft } from '../shared/draft.ts'
import type { PersonDraft } from './fields.tsx'

export function usePersonDraft(view: KybView, token: string, id: string | null): PersonDraft {
  const saved = (field: PersonField) => savedOf(view, id, field)
  const draft = useDraft<PersonField>(`kyb:${token}:${id ?? 'new'}`, saved)
  return { ...draft, saved }
}

/** Choices are `yes`, `no`, or blank while nobody chose. */
function savedOf({ people }: KybView, id: string | null, field: PersonField): string {
  const value = people.find((person) => person.id === id)?.[field]
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return value ?? ''
}

export function typedPerson(draft: PersonDraft, fields: readonly PersonField[]): PersonRequest {
  return Object.fromEntries(
    fields.map((field) => {
      const value = draft.get(field).trim()
      return [field, field.startsWith('is_') ? value === 'yes' : value]
    }),
  )
}
