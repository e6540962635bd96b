/** Who sends the form, and the tick that all of it is true. */
import { useState } from 'preact/hooks'
import type { KybView, SubmitRequest } from '../../src/hosted/kyb-wire.ts'
import { CheckField, TextField } from '../shared/controls.tsx'
import { fullName, problemText, type Scene, useKybSpeech } from './scene.ts'

export interface Declaration {
  name: string
  role: string
  declared: boolean
  isWhole: boolean
  set(part: 'name' | 'role', value: string): void
  setDeclared(declared: boolean): void
  request(): SubmitRequest
}

export function useDeclaration({ declaration, people }: KybView): Declaration {
  const representative = people.find((person) => person.is_representative)
  const [name, setName] = useState(declaration?.name ?? (representative ? fullName(representative) : ''))
  const [role, setRole] = useState(declaration?.role ?? '')
  const [declared, setDeclared] = useState(false)
  return {
    name,
    role,
    declared,
    isWhole: name.trim() !== '' && role.trim() !== '' && declared,
    set: (part, value) => (part === 'name' ? setName(value) : setRole(value)),
    setDeclared,
    request: () => ({ name: name.trim(), role: role.trim(), declare: true }),
  }
}

interface DeclareProps {
  scene: Scene
  declaration: Declaration
  tried: boolean
  errors: Record<string, string[]>
}

export function Declare({ scene: { view }, declaration, tried, errors }: DeclareProps) {
  const { words } = useKybSpeech()
  const problem = (part: 'name' | 'role') => {
    const code = tried && declaration[part].trim() === '' ? 'required' : errors[part]?.[0]
    return code ? problemText(words, view, code as 'required') : null
  }
  return (
    <section aria-label={words.declareTitle} class="card space-y-4 p-4">
      <h2 class="font-semibold">{words.declareTitle}</h2>
      <TextField
        label={words.declareName}
        name="declare_name"
        autoComplete="name"
        maxLength={200}
        value={declaration.name}
        onValue={(value) => declaration.set('name', value)}
        error={problem('name')}
      />
      <TextField
        label={words.declareRole}
        name="declare_role"
        autoComplete="organization-title"
        maxLength={100}
        value={declaration.role}
        onValue={(value) => declaration.set('role', value)}
        hint={words.hint_role}
        error={problem('role')}
      />
      <CheckField
        checked={declaration.declared}
        onChecked={declaration.setDeclared}
        error={tried && !declaration.declared ? words.declareMissing : null}
      >
        {words.declare}
      </CheckField>
    </section>
  )
}
