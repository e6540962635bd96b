/** Which screen an enhanced verification shows. What was saved decides how far the customer may go. */
import type { OnboardingField, OnboardingView } from '../../src/hosted/onboarding-wire.ts'
import type { OutcomeKind } from '../shared/outcome.tsx'

export type OnboardingStep = 'work' | 'funds' | 'use' | 'status' | 'check'

export type OnboardingScreen =
  | { kind: 'step'; step: OnboardingStep; number: number; steps: OnboardingStep[] }
  | { kind: 'mend' }
  | { kind: OutcomeKind }

const fieldsByStep: Record<Exclude<OnboardingStep, 'check'>, readonly OnboardingField[]> = {
  work: ['employment_status', 'occupation', 'employer', 'sector', 'income_currency', 'income_range'],
  funds: ['source_of_funds', 'source_details'],
  use: ['purpose', 'purpose_details', 'monthly_volume'],
  status: ['pep', 'pep_details', 'tax_residence', 'tax_number'],
}

export const allSteps: readonly OnboardingStep[] = ['work', 'funds', 'use', 'status', 'check']

/** The value a field has at this moment, typed or saved; blank when there is none. */
export type Reader = (field: OnboardingField) => string

export const savedIn =
  (view: Pick<OnboardingView, 'data'>): Reader =>
  (field) =>
    view.data[field] ?? ''

/** Whether a field is asked, as the others stand. */
export function isShown(
  view: Pick<OnboardingView, 'asked' | 'conditions'>,
  field: OnboardingField,
  read: Reader,
): boolean {
  const condition = view.conditions[field]
  return view.asked.includes(field) && (!condition || condition.values.includes(read(condition.field)))
}

type Shown = Pick<OnboardingView, 'asked' | 'conditions' | 'data'>

export function fieldsOf(step: OnboardingStep, view: Shown, read: Reader = savedIn(view)): OnboardingField[] {
  const fields = step === 'check' ? [] : fieldsByStep[step]
  return fields.filter((field) => isShown(view, field, read))
}

export function isDone(step: OnboardingStep, view: OnboardingView): boolean {
  if (step === 'check') return false
  if (step === 'funds' && view.documents.length === 0) return false
  return fieldsOf(step, view).every((field) => view.optional.includes(field) || view.data[field] !== null)
}

/** `wanted` is the step in the address; without one the customer goes on where something is missing, on any device. */
export function onboardingScreenOf(view: OnboardingView, wanted: string): OnboardingScreen {
  if (view.phase === 'mend') return { kind: 'mend' }
  if (view.phase !== 'form') return { kind: view.phase }
  const steps = [...allSteps]
  const open = steps.findIndex((step) => !isDone(step, view))
  const asked = (steps as string[]).indexOf(wanted)
  const at = asked === -1 ? open : Math.min(asked, open)
  return { kind: 'step', step: steps[at]!, number: at + 1, steps }
}

export function stepBeside(step: OnboardingStep, by: 1 | -1): OnboardingStep {
  return allSteps[allSteps.indexOf(step) + by] ?? step
}

/** Only after a decision that nothing can change is there nothing left to wait for. */
export function isFinal(view: OnboardingView): boolean {
  return view.phase === 'valid' || view.phase === 'fail' || view.phase === 'expired'
}

/** What is to be mended, in the order of the form. */
export function fieldsToMend(view: Shown, read: Reader = savedIn(view)): OnboardingField[] {
  return allSteps.flatMap((step) => fieldsOf(step, view, read))
}
