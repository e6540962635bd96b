/** The typed fields of the company and of a person, each in the control that suits it. */
import { useEffect, useMemo } from 'preact/hooks'
import type { CompanyField, KybProblem, KybView, PersonField } from '../../src/hosted/kyb-wire.ts'
import { DayField } from '../kyc/day-field.tsx'
import { NumberField } from '../kyc/number-field.tsx'
import { typeName } from '../kyc/scene.ts'
import { AreaField, RadioField } from '../onboarding/more-controls.tsx'
import { CheckField, SelectField, TextField } from '../shared/controls.tsx'
import type { Draft } from '../shared/draft.ts'
import { type FieldProblems, useFieldProblems } from '../shared/field-problems.ts'
import type { Problem } from '../shared/use-action.ts'
import { checkCompanyField, checkPersonField } from './check-field.ts'
import { companyTypeName, partName, problemText, type Scene, useKybSpeech } from './scene.ts'

const contextOf = (view: KybView) => ({ minAge: view.min_age, today: view.server_time.slice(0, 10) })

export function useCompanyProblems(
  { view, draft }: Scene,
  fields: readonly CompanyField[],
  answer: Problem | null,
) {
  return useFieldProblems<CompanyField, KybProblem>({
    fields,
    draft,
    answer,
    own: (field) =>
      checkCompanyField(field, draft.get(field), {
        ...contextOf(view),
        optional: view.optional.includes(field),
      }),
    saved: (field) => view.company[field] ?? '',
    reasons: view.reasons,
  })
}

export interface PersonDraft extends Draft<PersonField> {
  /** What the server has of the person. */
  saved(field: PersonField): string
}

export function usePersonProblems(
  view: KybView,
  id: string | null,
  draft: PersonDraft,
  fields: readonly PersonField[],
  answer: Problem | null,
) {
  const prefix = `people.${id}.`
  return useFieldProblems<PersonField, KybProblem>({
    fields,
    draft,
    answer,
    own: (field) => checkPersonField(field, draft.get, contextOf(view)),
    saved: draft.saved,
    reasons: view.reasons
      .filter(({ field }) => field?.startsWith(prefix))
      .map((reason) => ({ ...reason, field: reason.field!.slice(prefix.length) })),
  })
}

/** All that the two kinds of fields have in common. */
interface Shared {
  label: string
  name: string
  value: string
  onValue: (value: string) => void
  onLeave: () => void
  optional: boolean
  error: string | null
}

interface CompanyFieldsProps {
  scene: Scene
  fields: readonly CompanyField[]
  problems: FieldProblems<CompanyField, KybProblem>
}

export function CompanyFields({ scene, fields, problems }: CompanyFieldsProps) {
  return (
    <>
      {fields.map((field) => (
        <OneCompanyField key={field} scene={scene} field={field} problems={problems} />
      ))}
    </>
  )
}

const companyFills: Partial<Record<CompanyField, string>> = {
  company_name: 'organization',
  country: 'country',
  address: 'street-address',
  postal_code: 'postal-code',
  city: 'address-level2',
  website: 'url',
}

function OneCompanyField({
  scene,
  field,
  problems,
}: Omit<CompanyFieldsProps, 'fields'> & { field: CompanyField }) {
  const { words } = useKybSpeech()
  const { view, draft, api } = scene
  const problem = problems.of(field)
  const reason = view.reasons.find((one) => one.field === field)
  const shared: Shared & { autoComplete: string } = {
    label: partName(words, view, field),
    name: field,
    value: draft.get(field),
    onValue: (value) => draft.set(field, value),
    onLeave: () => problems.left(field),
    optional: view.optional.includes(field),
    error: problem && problemText(words, view, problem, reason?.text),
    autoComplete: companyFills[field] ?? 'off',
  }
  const country = draft.get('country')
  const types = typesOf(view, country, 'company')
  switch (field) {
    case 'country':
      return (
        <CountrySelect
          {...shared}
          codes={view.countries.filter((one) => one.company)}
          onValue={(code) => {
            draft.set('country', code)
            // Another country has other numbers.
            draft.set('identification_type', '')
          }}
        />
      )
    case 'identification_type':
      return <OnlyType {...shared} type={types[0]?.type ?? ''} />
    case 'identification_number': {
      const [number] = types
      const label = number ? companyTypeName(words, number.type) : shared.label
      const rule = { country, type: number?.type ?? '', example: number?.example, minAge: view.min_age }
      const check = (given: { country: string; type: string; number: string }, signal: AbortSignal) =>
        api.checkNumber({ person: 'company', ...given }, signal)
      return <NumberField {...shared} {...rule} label={label} check={check} />
    }
    case 'incorporation_date':
      return <DayField {...shared} autoComplete={undefined} />
    case 'activity':
      return <AreaField {...shared} maxLength={500} hint={words.hint_activity} />
    case 'legal_form':
      return <TextField {...shared} maxLength={100} hint={words.hint_legal_form} />
    case 'company_name':
      return <TextField {...shared} maxLength={255} hint={words.hint_company_name} />
    default:
      return <TextField {...shared} maxLength={200} />
  }
}

interface PersonFieldsProps {
  scene: Scene
  draft: PersonDraft
  fields: readonly PersonField[]
  problems: FieldProblems<PersonField, KybProblem>
  reasonText(field: PersonField): string | undefined
}

export function PersonFields({ fields, ...props }: PersonFieldsProps) {
  return (
    <>
      {fields.map((field) => (
        <OnePersonField key={field} field={field} {...props} />
      ))}
    </>
  )
}

const personFills: Partial<Record<PersonField, string>> = { name: 'given-name', last_name: 'family-name' }

function OnePersonField({
  scene: { view, api },
  draft,
  field,
  problems,
  reasonText,
}: Omit<PersonFieldsProps, 'fields'> & { field: PersonField }) {
  const { words } = useKybSpeech()
  const problem = problems.of(field)
  const country = draft.get('identification_country') || draft.get('country')
  const types = typesOf(view, country, 'individual')
  const shared: Shared = {
    label: words[`field_${field}`],
    name: field,
    value: draft.get(field),
    onValue: (value) => draft.set(field, value),
    onLeave: () => problems.left(field),
    optional: false,
    error: problem && problemText(words, view, problem, reasonText(field)),
  }
  const tick = {
    optional: true,
    checked: shared.value === 'yes',
    onChecked: (checked: boolean) => draft.set(field, checked ? 'yes' : 'no'),
    error: shared.error,
  }
  switch (field) {
    case 'country':
      return <CountrySelect {...shared} codes={view.countries.filter((one) => one.residence)} />
    case 'identification_country':
      return (
        <CountrySelect
          {...shared}
          value={country}
          codes={view.countries}
          onValue={(code) => {
            draft.set('identification_country', code)
            draft.set('identification_type', '')
          }}
        />
      )
    case 'identification_type':
      // Which papers there are depends on the country.
      return country === '' ? null : (
        <TypeSelect {...shared} types={types} nameOf={(type) => typeName(words, country, type)} />
      )
    case 'identification_number': {
      const type = draft.get('identification_type')
      if (type === '') return null
      const example = types.find((one) => one.type === type)?.example
      const rule = { country, type, example, minAge: view.min_age }
      const check = (given: { country: string; type: string; number: string }, signal: AbortSignal) =>
        api.checkNumber({ person: 'individual', ...given }, signal)
      return <NumberField {...shared} {...rule} check={check} />
    }
    case 'birth_date':
      return <DayField {...shared} />
    case 'is_representative':
      return <CheckField {...tick}>{words.isRepresentative}</CheckField>
    case 'is_owner':
      return <CheckField {...tick}>{words.isOwner}</CheckField>
    case 'ownership_percent':
      return draft.get('is_owner') === 'yes' ? (
        <TextField {...shared} maxLength={6} hint={words.hint_ownership} />
      ) : null
    case 'is_politically_exposed':
      return (
        <RadioField
          {...shared}
          hint={words.hint_exposed}
          options={[
            { value: 'no', label: words.no },
            { value: 'yes', label: words.yes },
          ]}
        />
      )
    default:
      return <TextField {...shared} maxLength={100} autoComplete={personFills[field] ?? 'off'} />
  }
}

const typesOf = ({ identification }: KybView, country: string, person: 'company' | 'individual') =>
  country === '' ? [] : ((identification[country] ?? identification['*'])?.[person] ?? [])

function CountrySelect({ codes, ...shared }: Shared & { codes: { code: string }[]; autoComplete?: string }) {
  const { format, language } = useKybSpeech()
  const options = useMemo(() => {
    const { compare } = new Intl.Collator(language)
    return codes
      .map(({ code }) => ({ value: code, label: format.country(code) }))
      .sort((a, b) => compare(a.label, b.label))
  }, [codes.length, language])
  return <SelectField {...shared} options={options} />
}

/** Companies have one number in each country: it is named by its type, and nobody has to choose. */
function OnlyType({ value, type, onValue }: Pick<Shared, 'value' | 'onValue'> & { type: string }) {
  useEffect(() => {
    if (value !== type) onValue(type)
  }, [value, type])
  return null
}

function TypeSelect({
  types,
  nameOf,
  ...shared
}: Shared & { types: { type: string }[]; nameOf(type: string): string; autoComplete?: string }) {
  const only = types.length === 1 ? types[0]!.type : null
  useEffect(() => {
    if (only !== null && shared.value === '') shared.onValue(only)
  }, [only, shared.value])
  const options = types.map(({ type }) => ({ value: type, label: nameOf(type) }))
  return <SelectField {...shared} options={options} />
}
