import type { App } from '../app.ts'
import { wireTime } from '../kernel/clock.ts'
import {
  COMPANY_DOCUMENTS,
  type CompanyData,
  type CompanyPerson,
  NO_COMPANY,
  personPart,
} from '../users/company-data.ts'
import type { StoredFile } from '../users/company-files.ts'
import { isPartAsked, listParts, OPTIONAL_COMPANY_FIELDS } from '../users/company-form.ts'
import { MOST_PEOPLE, photosOfPerson } from '../users/company-people.ts'
import { companyLink } from '../users/company-verification.ts'
import { COUNTRY_CODES, isResidenceSupported } from '../users/identity/countries.ts'
import { MIN_AGE_YEARS } from '../users/identity/dates.ts'
import { checkIdentification, listIdentificationTypes } from '../users/identity/identification.ts'
import { isMendable } from '../users/kyc-form.ts'
import type { Verification } from '../users/verification-store.ts'
import { brandOf } from './brand.ts'
import type { KybScene } from './kyb-scene.ts'
import type { CompanyDocumentKind, KybPerson, KybPhase, KybSandbox, KybView, NumberType } from './kyb-wire.ts'
import { callbackUrl, phaseOf, versionOf } from './kyc-view.ts'
import type { Language, PhotoProblem } from './wire.ts'

type Needs = Pick<App, 'config' | 'clock'>

export function kybView(app: Needs, scene: KybScene): KybView {
  const { verification, customer, settings, data, files } = scene
  const now = app.clock.now()
  const phase = scene.isIn ? phaseOf(verification, now) : closedPhase(verification, now)
  const editable = phase === 'form' || phase === 'mend'
  // Nobody needs the data on the page once all is over; the link may lie about in a mailbox for long.
  const shown = editable || phase === 'processing' || phase === 'review'
  const current = shown ? files.filter(({ part }) => isCurrent(part, verification, data)) : []
  return {
    version: kybVersion(verification, scene.settingsVersion, now, scene.isIn),
    server_time: wireTime(now),
    environment: app.config.mode,
    brand: brandOf(settings),
    language: customer.language as Language | null,
    phase,
    company: shown ? data.company : NO_COMPANY,
    asked: editable ? listParts(data).filter((part) => isPartAsked(verification.reasons, part)) : [],
    optional: [...OPTIONAL_COMPANY_FIELDS],
    countries: editable ? listCountries(settings.countries) : [],
    identification: editable ? IDENTIFICATION : {},
    documents: current
      .filter(({ part }) => COMPANY_DOCUMENTS.some((kind) => kind === part))
      .map(({ part, mime, bytes, uploadedAt }) => ({
        kind: part as CompanyDocumentKind,
        mime,
        bytes,
        uploaded_at: wireTime(uploadedAt),
      })),
    people: shown ? data.people.map((person) => wirePerson(person, current)) : [],
    declaration: shown ? data.declaration : null,
    reasons: phase === 'password' || phase === 'review' ? [] : openReasons(verification, data),
    expires_at: wireTime(verification.expiresAt),
    min_age: MIN_AGE_YEARS,
    most_people: MOST_PEOPLE,
    page_url: companyLink(app, scene.token),
    callback_url: scene.isIn ? callbackUrl(verification.callbackUrl, customer) : null,
    sandbox: app.config.mode === 'sandbox' && editable ? sandboxValues(data, settings.countries) : null,
  }
}

/** An expired link shows nothing of the company, so that it needs no password to say so. */
function closedPhase(verification: Verification, now: Date): KybPhase {
  return phaseOf(verification, now) === 'expired' ? 'expired' : 'password'
}

/** Changes whenever the view does, and when the browser came in or is out again. */
export function kybVersion(
  verification: Pick<Verification, 'version' | 'phase' | 'expiresAt'>,
  settingsVersion: number,
  now: Date,
  isIn: boolean,
): string {
  return `${versionOf(verification, settingsVersion, now)}.${isIn ? 'in' : 'out'}`
}

/** What was mended is not marked any more; it may still be changed. */
function openReasons({ phase, reasons }: Verification, { mended }: CompanyData): KybView['reasons'] {
  if (phase !== 'form') return reasons
  return reasons.filter(({ field }) => field === null || !mended.includes(field))
}

/** A rejected file is gone for the company: another must take its place. */
function isCurrent(part: string, { phase, reasons }: Verification, { mended }: CompanyData): boolean {
  if (phase !== 'form' || mended.includes(part)) return true
  return !reasons.some((reason) => reason.field === part && isMendable(reason))
}

function wirePerson(person: CompanyPerson, files: readonly StoredFile[]): KybPerson {
  const needs = photosOfPerson(person)
  return {
    ...person,
    needs,
    photos: needs.flatMap((kind) =>
      files
        .filter(({ part }) => part === personPart(person.id, kind))
        .map(({ uploadedAt, problems }) => ({
          kind,
          uploaded_at: wireTime(uploadedAt),
          problems: problems as PhotoProblem[],
        })),
    ),
  }
}

function listCountries(accepted: readonly string[]): KybView['countries'] {
  return COUNTRY_CODES.map((code) => ({
    code,
    company: isResidenceSupported(code, accepted),
    residence: isResidenceSupported(code, []),
  }))
}

const typesOf = (country: string, person: 'company' | 'individual'): NumberType[] =>
  listIdentificationTypes(country, person).map(({ type, needsBack, example }) => ({
    type,
    needs_back: needsBack,
    example,
  }))

const bothOf = (country: string) => ({
  company: typesOf(country, 'company'),
  individual: typesOf(country, 'individual'),
})

/** No country of ISO 3166-1, so that it has what all countries without a rule of their own have. */
const OTHER = '*'

const IDENTIFICATION: KybView['identification'] = Object.fromEntries(
  [OTHER, ...COUNTRY_CODES]
    .filter(
      (code) => code === OTHER || typesOf(code, 'company')[0]?.type !== typesOf(OTHER, 'company')[0]?.type,
    )
    .map((code) => [code, bothOf(code)]),
)

/** Values that pass every check, for the country that was chosen. */
function sandboxValues({ company }: CompanyData, accepted: readonly string[]): KybSandbox {
  const country = company.country ?? accepted[0] ?? 'ES'
  const [number] = listIdentificationTypes(country, 'company')
  const [paper] = listIdentificationTypes(country, 'individual')
  const checked = checkIdentification({
    country,
    person: 'individual',
    type: paper?.type ?? '',
    number: paper?.example ?? '',
  })
  return {
    company: {
      company_name: company.company_name ?? 'Remesas Sol S.L.',
      country,
      identification_type: number?.type ?? '',
      identification_number: number?.example ?? '',
      legal_form: 'Sociedad Limitada',
      incorporation_date: '2015-03-02',
      activity: 'Money transfers',
      website: 'https://example.com',
      address: 'Calle Mayor 1',
      postal_code: '28013',
      city: 'Madrid',
    },
    person: {
      name: 'Ana',
      last_name: 'García López',
      birth_date: (checked.ok && checked.birthDate) || '1990-05-17',
      country,
      identification_country: country,
      identification_type: paper?.type ?? '',
      identification_number: paper?.example ?? '',
      is_representative: true,
      is_owner: true,
      ownership_percent: '60',
      is_politically_exposed: false,
    },
  }
}
