/** The name typed under the declaration, and the tick beside it. */
import { useState } from 'preact/hooks'
import { CheckField, TextField } from '../shared/controls.tsx'
import { TestValue, TestValues } from '../shared/frame.tsx'
import type { Problem } from '../shared/use-action.ts'
import { problemText, type Scene, useOnboardingSpeech } from './scene.ts'

export interface Signature {
  name: string
  declared: boolean
  /** Whether both are there. */
  isWhole: boolean
  setName(name: string): void
  setDeclared(declared: boolean): void
}

export function useSignature(): Signature {
  const [name, setName] = useState('')
  const [declared, setDeclared] = useState(false)
  return { name, declared, isWhole: name.trim() !== '' && declared, setName, setDeclared }
}

interface SignProps {
  scene: Scene
  signature: Signature
  tried: boolean
  answer: Problem | null
}

export function Sign({ scene: { view }, signature, tried, answer }: SignProps) {
  const { words } = useOnboardingSpeech()
  const company = view.customer_type === 'company'
  const code = answer?.errors.signature?.[0]
  const own = tried && signature.name.trim() === '' ? 'required' : null
  const problem = own ?? (code as 'does_not_match_name' | undefined) ?? null
  const sample = view.sandbox?.signature
  return (
    <section aria-label={words.signTitle} class="card space-y-3 p-4">
      <h2 class="font-semibold">{words.signTitle}</h2>
      <CheckField
        checked={signature.declared}
        onChecked={signature.setDeclared}
        error={tried && !signature.declared ? words.declareMissing : null}
      >
        {company ? words.company_declare(view.customer_name) : words.declare}
      </CheckField>
      <TextField
        label={words.field_signature}
        name="signature"
        value={signature.name}
        onValue={signature.setName}
        autoComplete="name"
        maxLength={200}
        hint={company ? words.company_signHint : words.signHint(view.customer_name)}
        error={problem && problemText(words, problem)}
      />
      {sample && (
        <TestValues of={words.field_signature}>
          <TestValue onPress={() => signature.setName(sample)}>{sample}</TestValue>
        </TestValues>
      )}
    </section>
  )
}
