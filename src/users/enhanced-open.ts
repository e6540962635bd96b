import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { newSecret, randomText } from '../kernel/ids.ts'
import { sha256 } from '../kernel/secrets.ts'
import { type Customer, getPersonalSealed, lockCustomer } from './customer-store.ts'
import { usualCurrency } from './enhanced-choices.ts'
import { type EnhancedData, nothingDeclared, openEnhanced, sealEnhanced } from './enhanced-data.ts'
import { changeReinforced } from './enhanced-decision.ts'
import { openCustomerData } from './personal-data.ts'
import { isOpen } from './verification.ts'
import { findLatestVerification, insertVerification, type Verification } from './verification-store.ts'

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'config'>

const LINK_PURPOSE = 'onboarding-link'

export interface OpenedOnboarding {
  url: string
  expiresAt: Date
}

/** Where the browser goes afterwards: `preferred` in any case, `fallback` only where nothing was told before. */
export interface ReturnAddress {
  preferred?: string | undefined
  fallback?: string | undefined
}

/**
 * The enhanced verification that the customer goes on with, and its link: the open one, or a new form, which holds
 * what was declared in the last one. Undefined for a customer who can have none: not verified yet, raised already,
 * or forgotten. Not to be called inside a transaction that holds the customer's lock. `within` runs in the
 * transaction of the change.
 */
export async function openOnboarding(
  app: Needs,
  { integrationId, id }: Pick<Customer, 'integrationId' | 'id'>,
  { preferred, fallback }: ReturnAddress = {},
  within: (trx: Trx, opened: OpenedOnboarding) => Promise<void> = async () => {},
): Promise<OpenedOnboarding | undefined> {
  return app.db.transaction().execute(async (trx) => {
    const customer = await lockCustomer(trx, integrationId, id)
    if (!customer?.keyWrapped || customer.kycStatus !== 'valid' || customer.kycLevel !== 'basic') {
      return undefined
    }
    const now = app.clock.now()
    const latest = await findLatestVerification(trx, { integrationId, customerId: id, kind: 'reinforced' })
    if (latest && isOpen(latest, now)) {
      if (preferred !== undefined && preferred !== latest.callbackUrl) {
        await changeReturnAddress(trx, now, latest, preferred)
      }
      const opened = { url: onboardingUrl(app, latest), expiresAt: latest.expiresAt }
      await within(trx, opened)
      return opened
    }
    const opened = await insertOnboarding(
      app,
      trx,
      { ...customer, keyWrapped: customer.keyWrapped },
      latest,
      {
        callbackUrl: preferred ?? customer.callbackUrl ?? fallback ?? null,
      },
    )
    await changeReinforced(app, trx, customer, { reinforcedStatus: 'unused', reinforcedReasons: [] })
    await within(trx, opened)
    return opened
  })
}

async function insertOnboarding(
  app: Needs,
  trx: Trx,
  customer: Customer & { keyWrapped: Buffer },
  latest: Verification | undefined,
  { callbackUrl }: { callbackUrl: string | null },
): Promise<OpenedOnboarding> {
  const { integrationId, id, keyWrapped } = customer
  const now = app.clock.now()
  const token = newSecret()
  const expiresAt = new Date(now.getTime() + app.config.durations.onboardingLinkLifetimeMs)
  const data = latest?.dataSealed
    ? declaredBefore(openEnhanced(app.secrets, keyWrapped, latest.dataSealed))
    : await knownBefore(app, trx, customer)
  await insertVerification(trx, now, {
    integrationId,
    id: `ver_${randomText(24)}`,
    customerId: id,
    kind: 'reinforced',
    tokenHash: sha256(token),
    tokenSealed: app.secrets.seal(LINK_PURPOSE, token),
    dataSealed: sealEnhanced(app.secrets, keyWrapped, data),
    callbackUrl,
    expiresAt,
  })
  return { url: onboardingLinkOf(app, token), expiresAt }
}

/** Nobody likes to type all of it again; the documents were looked at, and must be given anew. */
const declaredBefore = ({ fields }: EnhancedData): EnhancedData => nothingDeclared(fields)

async function knownBefore(
  { secrets }: Pick<App, 'secrets'>,
  trx: Trx,
  { integrationId, id, keyWrapped, country }: Customer & { keyWrapped: Buffer },
): Promise<EnhancedData> {
  const known = openCustomerData(secrets, keyWrapped, await getPersonalSealed(trx, integrationId, id))
  const residence = known.country ?? country
  return nothingDeclared({ tax_residence: residence, income_currency: usualCurrency(residence) })
}

async function changeReturnAddress(
  trx: Trx,
  now: Date,
  { integrationId, id }: Verification,
  callbackUrl: string,
): Promise<void> {
  await trx
    .updateTable('verifications')
    .set((eb) => ({ callbackUrl, version: eb('version', '+', 1), updatedAt: now }))
    .where('integrationId', '=', integrationId)
    .where('id', '=', id)
    .execute()
}

/** The address of the verification's page. */
export function onboardingUrl(
  app: Pick<App, 'secrets' | 'config'>,
  { tokenSealed }: Pick<Verification, 'tokenSealed'>,
): string {
  return onboardingLinkOf(app, app.secrets.open(LINK_PURPOSE, tokenSealed).toString('utf8'))
}

export const onboardingLinkOf = ({ config }: Pick<App, 'config'>, token: string): string =>
  `${config.publicUrl}/onboarding/${token}`
