/** Which screen a verification shows. What was saved decides how far the customer may go. */
import type { KycField, KycView, PhotoKind } from '../../src/hosted/wire.ts'

export type KycStep = 'person' | 'home' | 'document' | 'photos' | 'face' | 'check'

export type KycScreen =
  | { kind: 'step'; step: KycStep; number: number; steps: KycStep[] }
  | { kind: 'mend' }
  | { kind: 'processing' | 'review' | 'valid' | 'fail' | 'expired' }

const fieldsByStep: Partial<Record<KycStep, readonly KycField[]>> = {
  person: ['name', 'last_name', 'birth_date', 'phone'],
  home: ['country', 'address', 'postal_code', 'city'],
  document: [
    'identification_country',
    'identification_type',
    'identification_number',
    'identification_expires_on',
  ],
}

const allSteps: readonly KycStep[] = ['person', 'home', 'document', 'photos', 'face', 'check']

export function fieldsOf(step: KycStep, view: Pick<KycView, 'asked'>): KycField[] {
  return (fieldsByStep[step] ?? []).filter((field) => view.asked.includes(field))
}

/** A step whose every field the server doesn't ask for is left out. */
export function stepsOf(view: Pick<KycView, 'asked'>): KycStep[] {
  return allSteps.filter((step) => !fieldsByStep[step] || fieldsOf(step, view).length > 0)
}

export function photosNeeded(view: KycView): PhotoKind[] {
  return needsBack(view) ? ['document_front', 'document_back'] : ['document_front']
}

/** Until a type is chosen both sides are expected; only a passport has one. */
function needsBack({ data, countries }: KycView): boolean {
  const country = countries.find(({ code }) => code === (data.identification_country ?? data.country))
  const type = country?.identification_types.find((one) => one.type === data.identification_type)
  return type?.needs_back ?? true
}

export function isDone(step: KycStep, view: KycView): boolean {
  if (step === 'photos') return photosNeeded(view).every((kind) => hasPhoto(view, kind))
  if (step === 'face') return hasPhoto(view, 'face_image')
  if (step === 'check') return false
  return fieldsOf(step, view).every((field) => view.optional.includes(field) || view.data[field] !== null)
}

export function hasPhoto(view: KycView, kind: PhotoKind): boolean {
  return view.photos.some((photo) => photo.kind === kind)
}

/** `wanted` is the step in the address; without one the customer goes on where something is missing, on any device. */
export function kycScreenOf(view: KycView, wanted: string): KycScreen {
  if (view.phase === 'mend') return { kind: 'mend' }
  if (view.phase !== 'form') return { kind: view.phase }
  const steps = stepsOf(view)
  const open = steps.findIndex((step) => !isDone(step, view))
  const asked = (steps as string[]).indexOf(wanted)
  const at = asked === -1 ? open : Math.min(asked, open)
  return { kind: 'step', step: steps[at]!, number: at + 1, steps }
}

export function stepBeside(view: KycView, step: KycStep, by: 1 | -1): KycStep {
  const steps = stepsOf(view)
  return steps[steps.indexOf(step) + by] ?? step
}

/** Only after a decision that nothing can change is there nothing left to wait for. */
export function isFinal(view: KycView): boolean {
  return view.phase === 'valid' || view.phase === 'fail' || view.phase === 'expired'
}

/** What is to be mended. Country, type and number of a document hang together. */
export function fieldsToMend(view: KycView): KycField[] {
  const named = view.reasons.map((reason) => reason.field)
  const whole = named.includes('identification_type') || named.includes('identification_country')
  return allSteps
    .flatMap((step) => fieldsByStep[step] ?? [])
    .filter(
      (field) =>
        named.includes(field) ||
        (whole && ['identification_country', 'identification_type', 'identification_number'].includes(field)),
    )
}

export function photosToMend(view: KycView): PhotoKind[] {
  const kinds: PhotoKind[] = ['document_front', 'document_back', 'face_image']
  return kinds.filter((kind) => view.reasons.some((reason) => reason.field === kind))
}
