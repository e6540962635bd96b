/** The fields of the declaration, each in the control that suits it, and what is wrong with them. */
import { useMemo } from 'preact/hooks'
import type { OnboardingField, OnboardingProblem } from '../../src/hosted/onboarding-wire.ts'
import { SelectField, TextField } from '../shared/controls.tsx'
import { type FieldProblems as AnyFieldProblems, useFieldProblems } from '../shared/field-problems.ts'
import type { Problem } from '../shared/use-action.ts'
import { checkField, longest } from './check-field.ts'
import { AreaField, RadioField } from './more-controls.tsx'
import { choiceText, partName, problemText, type Scene, useOnboardingSpeech } from './scene.ts'

export type FieldProblems = AnyFieldProblems<OnboardingField, OnboardingProblem>

export function useProblems(
  { view, draft }: Scene,
  fields: readonly OnboardingField[],
  answer: Problem | null,
): FieldProblems {
  return useFieldProblems<OnboardingField, OnboardingProblem>({
    fields,
    draft,
    answer,
    own: (field) =>
      checkField(field, draft.get(field), {
        optional: view.optional.includes(field),
        view,
        read: draft.get,
      }),
    saved: (field) => view.data[field] ?? '',
    reasons: view.reasons,
  })
}

interface FieldsProps {
  scene: Scene
  fields: readonly OnboardingField[]
  problems: FieldProblems
}

export function OnboardingFields({ scene, fields, problems }: FieldsProps) {
  return (
    <>
      {fields.map((field) => (
        <OneField key={field} field={field} scene={scene} problems={problems} />
      ))}
    </>
  )
}

const details: readonly OnboardingField[] = ['source_details', 'purpose_details', 'pep_details']

function OneField({ field, scene, problems }: Omit<FieldsProps, 'fields'> & { field: OnboardingField }) {
  const { words } = useOnboardingSpeech()
  const { view, draft } = scene
  const problem = problems.of(field)
  const reason = view.reasons.find((one) => one.field === field)
  const hints = words as unknown as Record<string, string | undefined>
  const shared = {
    label: partName(words, view, field),
    name: field,
    value: draft.get(field),
    onValue: (value: string) => draft.set(field, value),
    onLeave: () => problems.left(field),
    optional: view.optional.includes(field),
    error: problem && problemText(words, problem, reason?.text),
    hint: (view.customer_type === 'company' && hints[`company_hint_${field}`]) || hints[`hint_${field}`],
  }
  if (details.includes(field)) return <AreaField {...shared} maxLength={longest[field]!} />
  if (longest[field] !== undefined) return <TextField {...shared} maxLength={longest[field]} />
  return <ChoiceField {...shared} scene={scene} field={field} />
}

interface ChoiceFieldProps {
  scene: Scene
  field: OnboardingField
  label: string
  name: string
  value: string
  onValue: (value: string) => void
  optional: boolean
  error: string | null
  hint: string | undefined
}

function ChoiceField({ scene, field, ...shared }: ChoiceFieldProps) {
  const speech = useOnboardingSpeech()
  const { view, draft } = scene
  const currency = draft.get('income_currency') || 'EUR'
  const options = useMemo(() => {
    const list = valuesOf(scene, field, currency).map((value) => ({
      value,
      label: choiceText(speech, field, value, currency),
    }))
    if (field !== 'tax_residence') return list
    const { compare } = new Intl.Collator(speech.language)
    return list.sort((a, b) => compare(a.label, b.label))
  }, [view.countries.length, field, currency, speech.language])
  if (field === 'pep') return <RadioField {...shared} options={options} />
  return <SelectField {...shared} options={options} />
}

function valuesOf({ view }: Scene, field: OnboardingField, currency: string): string[] {
  switch (field) {
    case 'income_currency':
      return view.income_currencies
    case 'income_range':
      return (view.income_ranges[currency] ?? []).map(({ code }) => code)
    case 'monthly_volume':
      return view.monthly_volumes.map(({ code }) => code)
    case 'tax_residence':
      return view.countries
    default:
      return view.choices[field as keyof typeof view.choices] ?? []
  }
}
