/** What is typed but not saved yet. Kept in the tab's own storage, so that a reload loses no letter; gone once saved. */
import { useState } from 'preact/hooks'
import type { KycField, KycView } from '../../src/hosted/wire.ts'

export interface Draft {
  get(field: KycField): string
  set(field: KycField, value: string): void
  /** After saving: the server's values hold again. */
  forget(fields: readonly KycField[]): void
}

type Typed = Partial<Record<KycField, string>>

export function useDraft(view: KycView | null, token: string): Draft {
  const key = `kyc:${token}`
  const [typed, setTyped] = useState<Typed>(() => read(key))
  const change = (next: (before: Typed) => Typed) => {
    setTyped((before) => {
      const after = next(before)
      write(key, after)
      return after
    })
  }
  return {
    get: (field) => typed[field] ?? saved(view, field),
    set: (field, value) => change((before) => ({ ...before, [field]: value })),
    forget: (fields) =>
      change((before) => {
        const kept = Object.entries(before).filter(([field]) => !fields.includes(field as KycField))
        return Object.fromEntries(kept)
      }),
  }
}

/** Most people's papers come from where they live; whose don't changes it. */
function saved(view: KycView | null, field: KycField): string {
  const value = view?.data[field]
  if (!value && field === 'identification_country') return view?.data.country ?? ''
  return value ?? ''
}

/** Storage can be forbidden (private windows); then a reload loses what was typed in the present step, no more. */
function read(key: string): Typed {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? '{}') as Typed
  } catch {
    return {}
  }
}

function write(key: string, typed: Typed): boolean {
  try {
    sessionStorage.setItem(key, JSON.stringify(typed))
    return true
  } catch {
    return false
  }
}
