import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { KycReason } from '../providers/kyc/port.ts'
import { COMPANY_FIELDS, openCompany, sealCompany } from './company-data.ts'
import { listFiles } from './company-files.ts'
import { companyReasonsToMend } from './company-form.ts'
import { type Customer, getPersonalSealed, type KycChange } from './customer-store.ts'
import { NOTHING_KNOWN, openCustomerData, sealData } from './personal-data.ts'
import type { Verification } from './verification-store.ts'

type Needs = Pick<App, 'clock' | 'secrets'>

/** The reasons as the company can mend them, and its form with nothing mended yet. */
export async function companyToMend(
  { clock, secrets }: Needs,
  trx: Trx,
  key: Buffer,
  verification: Verification,
  reasons: readonly KycReason[],
): Promise<{ reasons: KycReason[]; dataSealed: Buffer }> {
  const data = openCompany(secrets, key, verification.dataSealed as Buffer)
  const documents = (await listFiles(trx, verification)).map(({ part }) => part)
  const rules = { now: clock.now(), acceptedCountries: [] }
  return {
    reasons: companyReasonsToMend(reasons, { data, documents }, rules),
    dataSealed: sealCompany(secrets, key, { ...data, mended: [] }),
  }
}

/** What was verified is from now on what the company is. */
export async function verifiedCompany(
  { secrets }: Needs,
  trx: Trx,
  { integrationId, id, country }: Customer,
  key: Buffer,
  { dataSealed }: Verification,
): Promise<Pick<KycChange, 'personalSealed' | 'country'>> {
  if (!dataSealed) return {}
  const known = openCustomerData(secrets, key, await getPersonalSealed(trx, integrationId, id))
  const { company } = openCompany(secrets, key, dataSealed)
  const personalFields = COMPANY_FIELDS.filter((field) => field in NOTHING_KNOWN)
  const personal = Object.fromEntries(personalFields.map((field) => [field, company[field] ?? null]))
  const named = {
    company_name: company.company_name ?? known.company_name ?? null,
    incorporation_date: company.incorporation_date ?? known.incorporation_date ?? null,
  }
  return {
    personalSealed: sealData(secrets, key, { ...known, ...personal, ...named }),
    country: company.country ?? country,
  }
}
