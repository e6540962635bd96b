/** The typed fields, each in the control that suits it, and what is wrong with them. */
import { useEffect, useMemo } from 'preact/hooks'
import type { FieldProblem, KycField, KycView } from '../../src/hosted/wire.ts'
import { SelectField, TextField } from '../shared/controls.tsx'
import {
  type FieldProblems as AnyFieldProblems,
  useFieldProblems as useAnyFieldProblems,
} from '../shared/field-problems.ts'
import type { Problem } from '../shared/use-action.ts'
import { checkField } from './check-field.ts'
import { DayField } from './day-field.tsx'
import { NumberField } from './number-field.tsx'
import { fieldName, problemText, type Scene, typeName, useKycSpeech } from './scene.ts'

export type FieldProblems = AnyFieldProblems<KycField, FieldProblem>

export function useFieldProblems(
  { view, draft }: Scene,
  fields: readonly KycField[],
  answer: Problem | null,
): FieldProblems {
  return useAnyFieldProblems<KycField, FieldProblem>({
    fields,
    draft,
    answer,
    own: (field) =>
      checkField(field, draft.get(field), {
        optional: view.optional.includes(field),
        minAge: view.min_age,
        today: view.server_time.slice(0, 10),
      }),
    saved: (field) => view.data[field] ?? '',
    reasons: view.reasons,
  })
}

interface KycFieldsProps {
  scene: Scene
  fields: readonly KycField[]
  problems: FieldProblems
}

export function KycFields({ scene, fields, problems }: KycFieldsProps) {
  return (
    <>
      {fields.map((field) => (
        <OneField key={field} field={field} scene={scene} problems={problems} />
      ))}
    </>
  )
}

interface OneFieldProps {
  field: KycField
  scene: Scene
  problems: FieldProblems
}

const fills: Partial<Record<KycField, string>> = {
  name: 'given-name',
  last_name: 'family-name',
  phone: 'tel',
  country: 'country',
  address: 'street-address',
  city: 'address-level2',
  postal_code: 'postal-code',
}

function OneField({ field, scene, problems }: OneFieldProps) {
  const { words } = useKycSpeech()
  const { view, draft } = scene
  const problem = problems.of(field)
  const shared = {
    label: fieldName(words, field),
    name: field,
    value: draft.get(field),
    onValue: (value: string) => draft.set(field, value),
    onLeave: () => problems.left(field),
    optional: view.optional.includes(field),
    error: problem && problemText(words, view, problem, reasonText(view, field)),
    autoComplete: fills[field],
  }
  if (field === 'country' || field === 'identification_country') {
    return <CountryField {...shared} field={field} scene={scene} />
  }
  if (field === 'identification_type') return <TypeField {...shared} scene={scene} />
  if (field === 'identification_number') {
    const { code, types } = typesOf(scene)
    const type = draft.get('identification_type')
    const example = types.find((one) => one.type === type)?.example
    const { checkNumber } = scene.api
    const rule = { country: code, type, example, minAge: view.min_age, check: checkNumber }
    return <NumberField {...shared} {...rule} />
  }
  if (field === 'birth_date') return <DayField {...shared} autoComplete="bday" />
  if (field === 'identification_expires_on') {
    return <DayField {...shared} hint={words.hint_identification_expires_on} />
  }
  if (field === 'phone') return <TextField {...shared} type="tel" inputMode="tel" hint={words.hint_phone} />
  return <TextField {...shared} hint={field === 'name' ? words.hint_name : undefined} maxLength={200} />
}

function reasonText(view: KycView, field: KycField): string | undefined {
  return view.reasons.find((reason) => reason.field === field)?.text
}

interface SharedProps {
  label: string
  name: string
  value: string
  onValue: (value: string) => void
  onLeave: () => void
  optional: boolean
  error: string | null
  autoComplete: string | undefined
  scene: Scene
}

function CountryField({ scene, field, ...shared }: SharedProps & { field: KycField }) {
  const { format, language } = useKycSpeech()
  const { countries } = scene.view
  const options = useMemo(() => {
    const compare = new Intl.Collator(language).compare
    return countries
      .filter((country) => field === 'identification_country' || country.residence)
      .map(({ code }) => ({ value: code, label: format.country(code) }))
      .sort((a, b) => compare(a.label, b.label))
  }, [countries, language])
  const choose = (code: string) => {
    shared.onValue(code)
    // Another country has other papers.
    if (field === 'identification_country') scene.draft.set('identification_type', '')
  }
  return <SelectField {...shared} onValue={choose} options={options} />
}

function typesOf({ view, draft }: Scene) {
  const code = draft.get('identification_country') || draft.get('country')
  return { code, types: view.countries.find((country) => country.code === code)?.identification_types ?? [] }
}

function TypeField({ scene, ...shared }: SharedProps) {
  const { words } = useKycSpeech()
  const { code, types } = typesOf(scene)
  const only = types.length === 1 ? types[0]!.type : null
  useEffect(() => {
    if (only !== null && shared.value === '') shared.onValue(only)
  }, [only, shared.value])
  const options = types.map(({ type }) => ({ value: type, label: typeName(words, code, type) }))
  return <SelectField {...shared} options={options} />
}
