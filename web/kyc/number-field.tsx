import { useEffect, useState } from 'preact/hooks'
import type { FieldProblem, IdentificationCheck } from '../../src/hosted/wire.ts'
import { TextField } from '../shared/controls.tsx'
import { problemText, useKycSpeech } from './scene.ts'

interface NumberFieldProps {
  label: string
  name: string
  value: string
  onValue: (value: string) => void
  onLeave: () => void
  optional: boolean
  error: string | null
  /** Whose number, of which kind: the rule it is checked by. */
  country: string
  type: string
  example: string | undefined
  /** For the problems in words. */
  minAge: number
  check(
    given: { country: string; type: string; number: string },
    signal: AbortSignal,
  ): Promise<IdentificationCheck>
}

/** The server knows each country's rule, so it is asked while the number is typed. */
export function NumberField({ country, type, example, minAge, check, ...shared }: NumberFieldProps) {
  const { words } = useKycSpeech()
  const verdict = useNumberVerdict(check, country, type, shared.value.trim())
  const [left, setLeft] = useState(false)
  const wrong = left && verdict && !verdict.ok && verdict.problem
  return (
    <TextField
      {...shared}
      mono
      maxLength={40}
      hint={example ? words.example(example) : undefined}
      good={verdict?.ok ? words.numberGood : null}
      error={shared.error ?? (wrong ? problemText(words, { min_age: minAge }, wrong) : null)}
      onLeave={() => {
        setLeft(true)
        shared.onLeave()
      }}
    />
  )
}

function useNumberVerdict(check: NumberFieldProps['check'], country: string, type: string, number: string) {
  const [verdict, setVerdict] = useState<{ ok: boolean; problem: FieldProblem | null } | null>(null)
  useEffect(() => {
    setVerdict(null)
    if (!country || !type || number.length < 4) return
    const leave = new AbortController()
    const timer = setTimeout(() => {
      // A check that couldn't be made says nothing: the step's own save judges the number anyway.
      const ask = check({ country, type, number }, leave.signal).catch(() => null)
      void ask.then((word) => !leave.signal.aborted && setVerdict(word))
    }, 350)
    return () => {
      clearTimeout(timer)
      leave.abort()
    }
  }, [country, type, number])
  return verdict
}
