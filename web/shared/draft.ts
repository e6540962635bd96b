/** What is typed but not saved yet. Kept in the tab's own storage, so that a reload loses no letter; gone once saved. */
import { useState } from 'preact/hooks'

export interface Draft<Field extends string> {
  get(field: Field): string
  set(field: Field, value: string): void
  /** After saving: the server's values hold again. */
  forget(fields: readonly Field[]): void
}

/** `key` names the form within the tab, `saved` tells what the server has. */
export function useDraft<Field extends string>(key: string, saved: (field: Field) => string): Draft<Field> {
  const [typed, setTyped] = useState<Partial<Record<Field, string>>>(() => read(key))
  const change = (next: (before: Partial<Record<Field, string>>) => Partial<Record<Field, string>>) => {
    setTyped((before) => {
      const after = next(before)
      write(key, after)
      return after
    })
  }
  return {
    get: (field) => typed[field] ?? saved(field),
    set: (field, value) => change((before) => ({ ...before, [field]: value })),
    forget: (fields) =>
      change((before) => {
        const kept = Object.entries(before).filter(([field]) => !fields.includes(field as Field))
        return Object.fromEntries(kept) as Partial<Record<Field, string>>
      }),
  }
}

/** Storage can be forbidden (private windows); then a reload loses what was typed in the present step, no more. */
function read<Typed extends object>(key: string): Typed {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? '{}') as Typed
  } catch {
    return {} as Typed
  }
}

function write(key: string, typed: object): boolean {
  try {
    sessionStorage.setItem(key, JSON.stringify(typed))
    return true
  } catch {
    return false
  }
}
