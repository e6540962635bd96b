/** What is wrong with typed fields, and when to say so. */
import { useEffect, useState } from 'preact/hooks'
import type { Draft } from './draft.ts'
import type { Problem } from './use-action.ts'

export interface FieldProblems<Field extends string, Code extends string> {
  of(field: Field): Code | null
  /** The customer left the field: from now on it may be marked. */
  left(field: Field): void
  /** Marks every field; true when one is wrong. */
  showAll(): boolean
}

export interface FieldJudges<Field extends string, Code extends string> {
  fields: readonly Field[]
  draft: Draft<Field>
  /** How the server refused the last try. */
  answer: Problem | null
  /** The page's own word. */
  own(field: Field): Code | null
  /** What the server has, and what a decision said of it. */
  saved(field: Field): string
  reasons: readonly { field: string | null; code: Code }[]
}

/** The page's own word once a field was left or the step was tried; the server's word until the value changes. */
export function useFieldProblems<Field extends string, Code extends string>({
  fields,
  draft,
  answer,
  own,
  saved,
  reasons,
}: FieldJudges<Field, Code>): FieldProblems<Field, Code> {
  const [seen, setSeen] = useState<readonly Field[]>([])
  const [refused, setRefused] = useState<Record<string, { value: string; code: Code }>>({})

  useEffect(() => {
    if (!answer) return
    const marks = Object.entries(answer.errors).map(([field, [code]]) => [
      field,
      { value: draft.get(field as Field), code: code as Code },
    ])
    setRefused(Object.fromEntries(marks))
  }, [answer])

  const fromServer = (field: Field) => {
    const mark = refused[field]
    return mark && mark.value === draft.get(field) ? mark.code : null
  }
  const rejected = (field: Field) => {
    const reason = reasons.find((one) => one.field === field)
    return reason && draft.get(field) === saved(field) ? reason.code : null
  }
  return {
    of: (field) => fromServer(field) ?? (seen.includes(field) ? own(field) : null) ?? rejected(field),
    left: (field) => setSeen((before) => (before.includes(field) ? before : [...before, field])),
    showAll: () => {
      setSeen(fields)
      return fields.some((field) => own(field) !== null)
    },
  }
}
