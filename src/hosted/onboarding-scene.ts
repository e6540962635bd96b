import type { App } from '../app.ts'
import type { IntegrationSettings } from '../common/integration.ts'
import { sha256 } from '../kernel/secrets.ts'
import { fail } from '../server/errors.ts'
import { type Customer, findCustomer, getPersonalSealed } from '../users/customer-store.ts'
import { type EnhancedData, nothingDeclared, openEnhanced } from '../users/enhanced-data.ts'
import { listProofs, type Proof } from '../users/enhanced-documents.ts'
import { type CustomerData, openCustomerData } from '../users/personal-data.ts'
import { findVerificationByToken, type Verification } from '../users/verification-store.ts'
import { onboardingView } from './onboarding-view.ts'
import type { OnboardingView } from './onboarding-wire.ts'

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'config'>

/** What an onboarding page is drawn from. */
export interface OnboardingScene {
  token: string
  verification: Verification
  customer: Customer
  keyWrapped: Buffer
  /** What was verified of the customer before. */
  person: CustomerData
  settings: IntegrationSettings
  settingsVersion: number
  data: EnhancedData
  proofs: Proof[]
}

/** The enhanced verification whose link this is. Throws `verification_not_found`. */
export async function getOnboarding({ db }: Pick<App, 'db'>, token: string): Promise<Verification> {
  const verification = await findVerificationByToken(db, sha256(token))
  return verification?.kind === 'reinforced' ? verification : notFound()
}

/** All that the page of this link shows. */
export async function getOnboardingScene(app: Needs, token: string): Promise<OnboardingScene> {
  const verification = await getOnboarding(app, token)
  const { integrationId, customerId, dataSealed } = verification
  const [customer, personalSealed, integration] = await Promise.all([
    findCustomer(app.db, integrationId, customerId),
    getPersonalSealed(app.db, integrationId, customerId),
    app.db
      .selectFrom('integrations')
      .select(['settings', 'version'])
      .where('id', '=', integrationId)
      .executeTakeFirstOrThrow(),
  ])
  const keyWrapped = customer?.keyWrapped
  // A forgotten customer's page is forgotten, too.
  if (!customer || !keyWrapped) return notFound()
  const data = dataSealed ? openEnhanced(app.secrets, keyWrapped, dataSealed) : nothingDeclared()
  return {
    token,
    verification,
    customer,
    keyWrapped,
    person: openCustomerData(app.secrets, keyWrapped, personalSealed),
    settings: integration.settings as IntegrationSettings,
    settingsVersion: integration.version,
    data,
    proofs: await listProofs(app.db, verification, data.documents),
  }
}

export async function getOnboardingView(app: Needs, token: string): Promise<OnboardingView> {
  return onboardingView(app, await getOnboardingScene(app, token))
}

function notFound(): never {
  fail(
    'verification_not_found',
    'There is no such verification. Ask whoever sent you the link for a new one.',
  )
}
