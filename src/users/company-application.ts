import type { App } from '../app.ts'
import type { CompanyApplicant, CompanyApplication } from '../providers/kyc/port.ts'
import { ProviderError } from '../providers/provider-error.ts'
import {
  COMPANY_DOCUMENTS,
  type CompanyData,
  type CompanyField,
  type CompanyPerson,
  openCompany,
  personPart,
} from './company-data.ts'
import { listFiles, papersForProvider, type StoredFile } from './company-files.ts'
import { paperCountry, photosOfPerson } from './company-people.ts'
import { findCustomer } from './customer-store.ts'
import { photosForProvider } from './verification-photos.ts'
import type { Verification } from './verification-store.ts'

type Needs = Pick<App, 'db' | 'secrets' | 'providers'>

/** What a company sent, as the provider gets it. The same key for the same sending, however often it is tried. */
export async function makeCompanyApplication(
  app: Needs,
  verification: Verification,
): Promise<CompanyApplication> {
  const { integrationId, customerId, id, dataSealed } = verification
  const customer = await findCustomer(app.db, integrationId, customerId)
  const key = customer?.keyWrapped
  if (!key || !dataSealed) throw new ProviderError('kyc', 'rejected', `the data of ${id} is forgotten`)
  const data = openCompany(app.secrets, key, dataSealed)
  const files = await listFiles(app.db, verification)
  const papers = files.filter(({ part }) => COMPANY_DOCUMENTS.some((known) => known === part))
  return {
    idempotencyKey: `${id}:${verification.version}`,
    company: companyOf(data, id),
    documents: papersForProvider(app, key, papers),
    people: data.people.map((person) => applicantOf(app, key, person, files)),
    declaration: data.declaration ?? missing('declaration', id),
  }
}

function companyOf({ company, email }: CompanyData, id: string): CompanyApplication['company'] {
  const get = (field: CompanyField): string => company[field] ?? missing(field, id)
  return {
    name: get('company_name'),
    email,
    country: get('country'),
    identification: { type: get('identification_type'), number: get('identification_number') },
    legalForm: get('legal_form'),
    incorporatedOn: get('incorporation_date'),
    activity: get('activity'),
    website: company.website,
    address: get('address'),
    city: get('city'),
    postalCode: company.postal_code,
  }
}

function missing(field: string, id: string): never {
  throw new ProviderError('kyc', 'rejected', `${field} of ${id} is missing`)
}

function applicantOf(
  app: Needs,
  key: Buffer,
  person: CompanyPerson,
  files: readonly StoredFile[],
): CompanyApplicant {
  const photos = photosOfPerson(person).flatMap((kind) =>
    files
      .filter(({ part }) => part === personPart(person.id, kind))
      .map(({ width, height, ...file }) => ({ ...file, kind, width: width ?? 0, height: height ?? 0 })),
  )
  return {
    id: person.id,
    name: person.name,
    lastName: person.last_name,
    birthDate: person.birth_date,
    country: person.country,
    identification: {
      country: paperCountry(person),
      type: person.identification_type,
      number: person.identification_number,
    },
    isRepresentative: person.is_representative,
    isOwner: person.is_owner,
    ownershipPercent: person.ownership_percent,
    isPoliticallyExposed: person.is_politically_exposed,
    photos: photosForProvider(app, key, photos),
  }
}
