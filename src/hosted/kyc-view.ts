import type { App } from '../app.ts'
import type { IntegrationSettings } from '../common/integration.ts'
import { wireTime } from '../kernel/clock.ts'
import type { Customer } from '../users/customer-store.ts'
import { COUNTRY_CODES, isResidenceSupported } from '../users/identity/countries.ts'
import { MIN_AGE_YEARS } from '../users/identity/dates.ts'
import { checkIdentification, listIdentificationTypes } from '../users/identity/identification.ts'
import { askedFields, askedPhotos, optionalFields } from '../users/kyc-form.ts'
import { NOTHING_KNOWN, type VerificationData } from '../users/personal-data.ts'
import { linkOf } from '../users/verification.ts'
import type { VerificationPhoto } from '../users/verification-photos.ts'
import type { Verification } from '../users/verification-store.ts'
import { brandOf } from './brand.ts'
import type {
  KycCountry,
  KycDataRequest,
  KycPhase,
  KycPhoto,
  KycView,
  Language,
  PhotoProblem,
} from './wire.ts'

/** What a verification page is drawn from. */
export interface KycScene {
  token: string
  verification: Verification
  customer: Customer
  settings: IntegrationSettings
  settingsVersion: number
  data: VerificationData
  photos: VerificationPhoto[]
}

type Needs = Pick<App, 'config' | 'clock'>

export function kycView(app: Needs, scene: KycScene): KycView {
  const { verification, customer, settings, data, photos } = scene
  const now = app.clock.now()
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
    data: over ? NOTHING_KNOWN : data.fields,
    asked: editable ? askedFields(verification.reasons) : [],
    optional: editable ? optionalFields(data.fields) : [],
    countries: editable ? listCountries(settings.countries) : [],
    photos: over ? [] : photos.filter((photo) => isCurrent(photo, verification, data)).map(wirePhoto),
    reasons: verification.phase === 'review' ? [] : (verification.reasons as KycView['reasons']),
    expires_at: wireTime(verification.expiresAt),
    min_age: MIN_AGE_YEARS,
    page_url: linkOf(app, scene.token),
    callback_url: callbackUrl(verification.callbackUrl, customer),
    sandbox:
      app.config.mode === 'sandbox' && editable ? { data: sandboxData(data, settings.countries, now) } : null,
  }
}

/** Changes whenever the view does: by a change of the row, of the integration's settings, or when the link ends. */
export function versionOf(
  verification: Pick<Verification, 'version' | 'phase' | 'expiresAt'>,
  settingsVersion: number,
  now: Date,
): string {
  return `${verification.version}.${settingsVersion}.${phaseOf({ ...verification, reasons: [] }, now)}`
}

export function phaseOf(
  { phase, reasons, expiresAt }: Pick<Verification, 'phase' | 'reasons' | 'expiresAt'>,
  now: Date,
): KycPhase {
  switch (phase) {
    case 'form':
      if (expiresAt <= now) return 'expired'
      return reasons.length > 0 ? 'mend' : 'form'
    case 'submitted':
    case 'deciding':
      return 'processing'
    default:
      return phase
  }
}

/** A rejected photo is gone for the customer: another must take its place. */
function isCurrent(
  { kind }: VerificationPhoto,
  { phase, reasons }: Verification,
  { mended }: VerificationData,
): boolean {
  return (
    phase !== 'form' || reasons.length === 0 || !askedPhotos(reasons).includes(kind) || mended.includes(kind)
  )
}

export function wirePhoto({ kind, uploadedAt, problems }: VerificationPhoto): KycPhoto {
  const known = problems.filter((problem): problem is PhotoProblem => problem !== 'unreadable')
  return { kind, uploaded_at: wireTime(uploadedAt), problems: known }
}

function listCountries(accepted: readonly string[]): KycCountry[] {
  return COUNTRY_CODES.map((code) => ({
    code,
    residence: isResidenceSupported(code, accepted),
    identification_types: listIdentificationTypes(code, 'individual').map(({ type, needsBack, example }) => ({
      type,
      needs_back: needsBack,
      example,
    })),
  }))
}

export function callbackUrl(
  text: string | null,
  customer: Pick<Customer, 'id' | 'kycStatus'>,
): string | null {
  if (text === null) return null
  const url = new URL(text)
  url.searchParams.set('user_id', String(customer.id))
  url.searchParams.set('status', customer.kycStatus)
  return url.href
}

/** Values that pass every check, for papers of the country that was chosen. */
function sandboxData({ fields }: VerificationData, accepted: readonly string[], now: Date): KycDataRequest {
  const residence = fields.country ?? accepted[0] ?? 'ES'
  const country = fields.identification_country ?? residence
  const [paper] = listIdentificationTypes(country, 'individual')
  const number = paper?.example ?? ''
  const checked = checkIdentification({ country, person: 'individual', type: paper?.type ?? '', number })
  return {
    name: 'Ana',
    last_name: 'García López',
    birth_date: (checked.ok && checked.birthDate) || '1990-05-17',
    phone: '+34600123456',
    country: residence,
    address: 'Calle Mayor 1',
    city: 'Madrid',
    postal_code: '28013',
    identification_country: country,
    identification_type: paper?.type ?? '',
    identification_number: number,
    identification_expires_on: paper?.expires ? `${now.getUTCFullYear() + 5}-01-31` : '',
  }
}
