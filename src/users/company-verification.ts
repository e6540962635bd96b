import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { newUuid, randomText } from '../kernel/ids.ts'
import { sha256 } from '../kernel/secrets.ts'
import { setPassword } from './company-attempts.ts'
import { type CompanyData, type CompanyField, NO_COMPANY, sealCompany } from './company-data.ts'
import { makePassword } from './company-password.ts'
import type { Customer } from './customer-store.ts'
import type { CustomerData } from './personal-data.ts'
import { insertVerification, type Verification } from './verification-store.ts'

/** The way into a company's form. */
export interface CompanyAccess {
  url: string
  /** Twelve characters, known only now: what is kept of it is a hash. */
  password: string
}

const LINK_PURPOSE = 'kyc-link'

/**
 * Writes a new form for the company, prefilled with what is known, and answers its link and password. The caller
 * holds the customer's lock, or has just created the customer.
 */
export async function insertCompanyForm(
  app: Pick<App, 'clock' | 'secrets' | 'config'>,
  trx: Trx,
  customer: Pick<Customer, 'integrationId' | 'id' | 'callbackUrl'> & { keyWrapped: Buffer },
  known: CustomerData,
): Promise<CompanyAccess> {
  const now = app.clock.now()
  const token = newUuid()
  const { password, hash } = await makePassword()
  await insertVerification(trx, now, {
    integrationId: customer.integrationId,
    id: `ver_${randomText(24)}`,
    customerId: customer.id,
    kind: 'kyb',
    tokenHash: sha256(token),
    tokenSealed: app.secrets.seal(LINK_PURPOSE, token),
    dataSealed: sealCompany(app.secrets, customer.keyWrapped, emptyForm(known)),
    callbackUrl: customer.callbackUrl,
    expiresAt: new Date(now.getTime() + app.config.durations.kybLinkLifetimeMs),
    passwordHash: hash,
  })
  return { url: companyLink(app, token), password }
}

/** Gives a form another password: the old one and whoever came in by it are out. The caller holds the locks. */
export async function renewPassword(
  trx: Trx,
  verification: Pick<Verification, 'integrationId' | 'id'>,
): Promise<string> {
  const { password, hash } = await makePassword()
  await setPassword(trx, verification, hash)
  return password
}

export const companyLink = ({ config }: Pick<App, 'config'>, token: string): string =>
  `${config.publicUrl}/kyb/${token}`

function emptyForm(known: CustomerData): CompanyData {
  const company = { ...NO_COMPANY }
  for (const field of Object.keys(NO_COMPANY) as CompanyField[]) {
    company[field] = (known as Partial<Record<CompanyField, string | null>>)[field] ?? null
  }
  return { email: known.email ?? '', company, people: [], declaration: null, mended: [] }
}
