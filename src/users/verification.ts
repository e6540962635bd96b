import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { newSecret, randomText } from '../kernel/ids.ts'
import { sha256 } from '../kernel/secrets.ts'
import { companyLink, insertCompanyForm, renewPassword } from './company-verification.ts'
import { type Customer, getPersonalSealed, lockCustomer, updateKyc } from './customer-store.ts'
import { openCustomerData, type PersonalData, personalPart, sealData } from './personal-data.ts'
import {
  findLatestVerification,
  insertVerification,
  OPEN_PHASES,
  type Verification,
} from './verification-store.ts'

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'config'>

/** What the secret of a verification's link is sealed for. */
export const LINK_PURPOSE = 'kyc-link'

/**
 * Writes a new form for the customer, prefilled with what is known, and answers its link. The caller holds the
 * customer's lock, or has just created the customer.
 */
export async function insertForm(
  app: Pick<App, 'clock' | 'secrets' | 'config'>,
  trx: Trx,
  customer: Pick<Customer, 'integrationId' | 'id' | 'callbackUrl'> & { keyWrapped: Buffer },
  known: PersonalData,
): Promise<string> {
  const now = app.clock.now()
  const token = newSecret()
  await insertVerification(trx, now, {
    integrationId: customer.integrationId,
    id: `ver_${randomText(24)}`,
    customerId: customer.id,
    kind: 'kyc',
    tokenHash: sha256(token),
    tokenSealed: app.secrets.seal(LINK_PURPOSE, token),
    dataSealed: sealData(app.secrets, customer.keyWrapped, { fields: known, mended: [] }),
    callbackUrl: customer.callbackUrl,
    expiresAt: new Date(now.getTime() + app.config.durations.kycLinkLifetimeMs),
  })
  return linkOf(app, token)
}

export interface OpenedVerification {
  url: string
  /** Of a company's form that is new, or got another password: told now and never again. */
  password?: string
  customer: Customer
}

/** The kind of verification that makes a customer `valid`. */
export const kindOf = ({ type }: Pick<Customer, 'type'>): 'kyc' | 'kyb' =>
  type === 'company' ? 'kyb' : 'kyc'

/**
 * The verification that the customer goes on with, and its link: the open one, or a new form when the last one ended
 * without success. A customer who failed is `unused` again with it. Undefined when there is nothing to verify: the
 * customer is `valid`, or was forgotten. A company whose form is open gets another password when asked for.
 */
export async function openVerification(
  app: Needs,
  { integrationId, id }: Pick<Customer, 'integrationId' | 'id'>,
  { newPassword = false }: { newPassword?: boolean } = {},
): Promise<OpenedVerification | undefined> {
  return app.db.transaction().execute(async (trx) => {
    const customer = await lockCustomer(trx, integrationId, id)
    if (!customer?.keyWrapped || customer.kycStatus === 'valid') return undefined
    const now = app.clock.now()
    const kind = kindOf(customer)
    const latest = await findLatestVerification(trx, { integrationId, customerId: id, kind })
    if (latest && isOpen(latest, now)) {
      if (latest.kind !== 'kyb' || !newPassword) return { url: formUrl(app, latest), customer }
      return { url: formUrl(app, latest), password: await renewPassword(trx, latest), customer }
    }
    const sealed = await getPersonalSealed(trx, integrationId, id)
    const known = openCustomerData(app.secrets, customer.keyWrapped, sealed)
    const owner = { ...customer, keyWrapped: customer.keyWrapped }
    const form =
      kind === 'kyb'
        ? await insertCompanyForm(app, trx, owner, known)
        : { url: await insertForm(app, trx, owner, personalPart(known)) }
    if (customer.kycStatus === 'unused') return { ...form, customer }
    return { ...form, customer: await updateKyc(trx, now, customer, { kycStatus: 'unused', kycReasons: [] }) }
  })
}

/** Goes on: being decided, or a form whose link still works. */
export function isOpen({ phase, expiresAt }: Pick<Verification, 'phase' | 'expiresAt'>, now: Date): boolean {
  if (phase === 'form') return expiresAt > now
  return OPEN_PHASES.some((open) => open === phase)
}

/** The address of the verification's page. */
export function formUrl(
  app: Pick<App, 'secrets' | 'config'>,
  { tokenSealed, kind }: Pick<Verification, 'tokenSealed' | 'kind'>,
): string {
  const token = app.secrets.open(LINK_PURPOSE, tokenSealed).toString('utf8')
  return kind === 'kyb' ? companyLink(app, token) : linkOf(app, token)
}

export const linkOf = ({ config }: Pick<App, 'config'>, token: string): string =>
  `${config.publicUrl}/kyc/${token}`

/** The key by which a page that shows this verification is told of news. */
export const kycNews = ({ id }: Pick<Verification, 'id'>): string => `kyc:${id}`
