/** Which screen a company's verification shows. What was saved decides how far one may go. */
import type {
  CompanyDocumentKind,
  CompanyField,
  KybPerson,
  KybView,
  PersonField,
} from '../../src/hosted/kyb-wire.ts'
import type { OutcomeKind } from '../shared/outcome.tsx'

export type KybStep = 'company' | 'business' | 'papers' | 'people' | 'check'

export type KybScreen =
  | { kind: 'password' | 'mend' | OutcomeKind }
  | { kind: 'step'; step: KybStep; number: number }
  /** A person's form; null: of somebody new. */
  | { kind: 'person'; id: string | null }
  | { kind: 'photos'; id: string }

export const allSteps: readonly KybStep[] = ['company', 'business', 'papers', 'people', 'check']

export const fieldsByStep = {
  company: [
    'company_name',
    'country',
    'identification_type',
    'identification_number',
    'legal_form',
    'incorporation_date',
  ],
  business: ['activity', 'website', 'address', 'postal_code', 'city'],
} as const satisfies Partial<Record<KybStep, readonly CompanyField[]>>

export const papers: readonly CompanyDocumentKind[] = [
  'company_deed',
  'company_tax_document',
  'company_proof_of_address',
]

export const personFields: readonly PersonField[] = [
  'name',
  'last_name',
  'birth_date',
  'country',
  'identification_country',
  'identification_type',
  'identification_number',
  'is_representative',
  'is_owner',
  'ownership_percent',
  'is_politically_exposed',
]

export function isDone(step: KybStep, view: KybView): boolean {
  if (step === 'check') return false
  if (step === 'papers') return papers.every((kind) => hasPaper(view, kind))
  if (step === 'people') return peopleFault(view) === null
  return fieldsByStep[step].every((field) => view.optional.includes(field) || view.company[field] !== null)
}

export const hasPaper = ({ documents }: Pick<KybView, 'documents'>, kind: CompanyDocumentKind): boolean =>
  documents.some((document) => document.kind === kind)

export const missingPhotos = ({ needs, photos }: KybPerson) =>
  needs.filter((kind) => !photos.some((photo) => photo.kind === kind))

/** What keeps the people from being sent. */
export function peopleFault({
  people,
}: Pick<KybView, 'people'>): 'representative_missing' | 'over_100' | 'photos_missing' | null {
  if (!people.some((person) => person.is_representative)) return 'representative_missing'
  if (sharesOf(people) > 10_000) return 'over_100'
  return people.some((person) => missingPhotos(person).length > 0) ? 'photos_missing' : null
}

/** What the owners have together, in hundredths of a percent. */
export const sharesOf = (people: readonly Pick<KybPerson, 'ownership_percent'>[]): number =>
  people.reduce((sum, { ownership_percent: share }) => sum + Math.round(Number(share ?? 0) * 100), 0)

/** `wanted` is the place in the address; without one it goes on where something is missing, on any device. */
export function kybScreenOf(view: KybView, wanted: string): KybScreen {
  const editsPeople = view.phase === 'form' || (view.phase === 'mend' && view.asked.includes('people'))
  const [, kind, id] = /^(person|photos)-(\w+)$/.exec(wanted) ?? []
  if (editsPeople && kind && (view.phase === 'mend' || reaches(view, 'people'))) {
    if (kind === 'person' && id === 'new') return { kind, id: null }
    if (id && view.people.some((person) => person.id === id)) return { kind: kind as 'person' | 'photos', id }
  }
  if (view.phase !== 'form') return { kind: view.phase }
  const open = firstOpen(view)
  const asked = (allSteps as string[]).indexOf(kind ? 'people' : wanted)
  const at = asked === -1 ? open : Math.min(asked, open)
  return { kind: 'step', step: allSteps[at]!, number: at + 1 }
}

const firstOpen = (view: KybView): number => allSteps.findIndex((step) => !isDone(step, view))

const reaches = (view: KybView, step: KybStep): boolean => firstOpen(view) >= allSteps.indexOf(step)

export function stepBeside(step: KybStep, by: 1 | -1): KybStep {
  return allSteps[allSteps.indexOf(step) + by] ?? step
}

/** Only after a decision that nothing can change is there nothing left to wait for. */
export function isFinal({ phase }: KybView): boolean {
  return phase === 'valid' || phase === 'fail' || phase === 'expired'
}

/** The person and the part that `people.2.birth_date` names. */
export function splitPart(part: string): { id: string; part: string } | null {
  const [, id, name] = /^people\.(\d+)\.(\w+)$/.exec(part) ?? []
  return id && name ? { id, part: name } : null
}

/** The company's fields to mend, in the order of the form. */
export const companyFieldsToMend = ({ asked }: KybView): CompanyField[] =>
  [...fieldsByStep.company, ...fieldsByStep.business].filter((field) => asked.includes(field))

/** A person's fields to mend; none while the people as a whole are to be mended, where each can be changed. */
export function personFieldsToMend({ asked }: KybView, id: string): PersonField[] {
  if (asked.includes('people')) return []
  return personFields.filter((field) => asked.includes(`people.${id}.${field}`))
}
