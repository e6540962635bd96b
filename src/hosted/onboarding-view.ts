import type { App } from '../app.ts'
import { wireTime } from '../kernel/clock.ts'
import { fullName } from '../users/enhanced-application.ts'
import {
  CHOICES,
  conditionsFor,
  INCOME_CURRENCIES,
  INCOME_RANGES,
  MONTHLY_VOLUMES,
  PROOF_TYPES,
  TAX_COUNTRIES,
  USUAL_PROOFS,
  usualCurrency,
} from '../users/enhanced-choices.ts'
import { nothingDeclared } from '../users/enhanced-data.ts'
import type { Proof } from '../users/enhanced-documents.ts'
import { areDocumentsAsked, askedFields, MOST_DOCUMENTS, OPTIONAL_FIELDS } from '../users/enhanced-form.ts'
import { onboardingLinkOf } from '../users/enhanced-open.ts'
import type { EnhancedReasonOnWire } from '../users/kyc-wire.ts'
import type { Verification } from '../users/verification-store.ts'
import { brandOf } from './brand.ts'
import { phaseOf, versionOf } from './kyc-view.ts'
import type { OnboardingScene } from './onboarding-scene.ts'
import type { OnboardingDocument, OnboardingSandbox, OnboardingView } from './onboarding-wire.ts'
import type { Language } from './wire.ts'

/** Reasons are kept as JSON, of either kind; here they are an enhanced verification's. */
export const reasonsOf = ({ reasons }: Verification): EnhancedReasonOnWire[] =>
  reasons as unknown as EnhancedReasonOnWire[]

export function onboardingView(app: Pick<App, 'config' | 'clock'>, scene: OnboardingScene): OnboardingView {
  const { verification, customer, settings, data } = scene
  const now = app.clock.now()
  const reasons = reasonsOf(verification)
  const phase = phaseOf(verification, now)
  const editable = phase === 'form' || phase === 'mend'
  // Nobody needs the data on the page once all is over; the link may lie about in a mailbox for long.
  const over = phase === 'valid' || phase === 'fail' || phase === 'expired'
  return {
    version: versionOf(verification, scene.settingsVersion, now),
    server_time: wireTime(now),
    environment: app.config.mode,
    brand: brandOf(settings),
    language: customer.language as Language | null,
    phase,
    customer_type: customer.type,
    customer_name: over ? '' : fullName(scene.person),
    data: over ? nothingDeclared().fields : data.fields,
    asked: editable ? askedFields(customer.type, reasons) : [],
    optional: editable ? [...OPTIONAL_FIELDS] : [],
    ...(editable ? offeredChoices(customer.type) : NO_CHOICES),
    documents: over ? [] : scene.proofs.map((proof) => wireDocument(proof, verification)),
    documents_asked: editable && areDocumentsAsked(reasons),
    most_documents: MOST_DOCUMENTS,
    reasons: verification.phase === 'review' ? [] : reasons,
    expires_at: wireTime(verification.expiresAt),
    page_url: onboardingLinkOf(app, scene.token),
    callback_url: callbackUrl(scene),
    sandbox: app.config.mode === 'sandbox' && editable ? sandboxValues(scene) : null,
  }
}

type Choices = Pick<
  OnboardingView,
  | 'conditions'
  | 'choices'
  | 'income_currencies'
  | 'income_ranges'
  | 'monthly_volumes'
  | 'countries'
  | 'document_types'
  | 'usual_documents'
>

const NO_CHOICES: Choices = {
  conditions: {},
  choices: { employment_status: [], sector: [], source_of_funds: [], purpose: [], pep: [] },
  income_currencies: [],
  income_ranges: {},
  monthly_volumes: [],
  countries: [],
  document_types: [],
  usual_documents: {},
}

function offeredChoices(type: 'individual' | 'company'): Choices {
  const conditions = Object.entries(conditionsFor(type)).map(([field, { field: on, values }]) => [
    field,
    { field: on, values: [...values] },
  ])
  return {
    conditions: Object.fromEntries(conditions),
    choices: {
      employment_status: [...CHOICES.employment_status],
      sector: [...CHOICES.sector],
      source_of_funds: [...CHOICES.source_of_funds],
      purpose: [...CHOICES.purpose],
      pep: [...CHOICES.pep],
    },
    income_currencies: [...INCOME_CURRENCIES],
    income_ranges: INCOME_RANGES,
    monthly_volumes: [...MONTHLY_VOLUMES],
    countries: [...TAX_COUNTRIES],
    document_types: [...PROOF_TYPES],
    usual_documents: Object.fromEntries(
      Object.entries(USUAL_PROOFS).map(([source, types]) => [source, [...types]]),
    ),
  }
}

export function wireDocument(proof: Proof, verification: Verification): OnboardingDocument {
  return {
    id: proof.id,
    type: proof.type,
    name: proof.name,
    mime: proof.mime,
    bytes: proof.bytes,
    uploaded_at: wireTime(proof.uploadedAt),
    removable: isRemovable(proof, verification),
  }
}

/** What was handed in once belongs to what was judged; what came since may go again. */
export function isRemovable(
  { uploadedAt }: Pick<Proof, 'uploadedAt'>,
  { phase, decidedAt }: Pick<Verification, 'phase' | 'decidedAt'>,
): boolean {
  return phase === 'form' && (decidedAt === null || uploadedAt >= decidedAt)
}

/** The status is the enhanced verification's own, which the customer comes back from. */
function callbackUrl({ verification, customer }: OnboardingScene): string | null {
  if (verification.callbackUrl === null) return null
  const url = new URL(verification.callbackUrl)
  url.searchParams.set('user_id', String(customer.id))
  url.searchParams.set('status', customer.reinforcedStatus ?? 'unused')
  return url.href
}

/** Values that pass every check. */
function sandboxValues({ customer, person }: OnboardingScene): OnboardingSandbox {
  const country = person.country ?? customer.country ?? 'ES'
  const currency = usualCurrency(country)
  return {
    data: {
      ...(customer.type === 'individual' && {
        employment_status: 'employed',
        employer: 'Panadería Sol, S.L.',
      }),
      occupation: customer.type === 'individual' ? 'Contable' : 'Venta de pan y dulces',
      sector: 'retail',
      income_currency: currency,
      income_range: INCOME_RANGES[currency]![2]!.code,
      source_of_funds: customer.type === 'individual' ? 'salary' : 'company_profits',
      purpose: 'family',
      monthly_volume: MONTHLY_VOLUMES[1]!.code,
      pep: 'no',
      tax_residence: country,
      tax_number: '',
    },
    signature: customer.type === 'individual' ? fullName(person) : 'Ana García López',
  }
}
