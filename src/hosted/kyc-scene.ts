import type { App } from '../app.ts'
import type { IntegrationSettings } from '../common/integration.ts'
import { sha256 } from '../kernel/secrets.ts'
import { fail } from '../server/errors.ts'
import { findCustomer } from '../users/customer-store.ts'
import { NOTHING_KNOWN, openVerificationData } from '../users/personal-data.ts'
import { listPhotos } from '../users/verification-photos.ts'
import { findVerificationByToken, type Verification } from '../users/verification-store.ts'
import { type KycScene, kycView, versionOf } from './kyc-view.ts'
import type { KycView } from './wire.ts'

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'config'>

/** The verification whose link this is. Throws `verification_not_found`. */
export async function getVerification({ db }: Pick<App, 'db'>, token: string): Promise<Verification> {
  const verification = await findVerificationByToken(db, sha256(token))
  // The other kinds have pages of their own.
  return verification?.kind === 'kyc' || verification?.kind === 'delegated' ? verification : notFound()
}

/** All that the page of this link shows. */
export async function getScene(app: Needs, token: string): Promise<KycScene & { keyWrapped: Buffer }> {
  const verification = await getVerification(app, token)
  const { integrationId, customerId, dataSealed } = verification
  const [customer, integration, photos] = await Promise.all([
    findCustomer(app.db, integrationId, customerId),
    app.db
      .selectFrom('integrations')
      .select(['settings', 'version'])
      .where('id', '=', integrationId)
      .executeTakeFirstOrThrow(),
    listPhotos(app.db, verification),
  ])
  const keyWrapped = customer?.keyWrapped
  // A forgotten customer's page is forgotten, too.
  if (!customer || !keyWrapped) return notFound()
  const data = dataSealed
    ? openVerificationData(app.secrets, keyWrapped, dataSealed)
    : { fields: NOTHING_KNOWN, mended: [] }
  return {
    token,
    verification,
    customer,
    keyWrapped,
    settings: integration.settings as IntegrationSettings,
    settingsVersion: integration.version,
    data,
    photos,
  }
}

export async function getView(app: Needs, token: string): Promise<KycView> {
  return kycView(app, await getScene(app, token))
}

/** The view's version alone, by one small query: what long polls ask again and again. */
export async function getVersion({ db, clock }: Pick<App, 'db' | 'clock'>, token: string): Promise<string> {
  const row = await db
    .selectFrom('verifications')
    .innerJoin('integrations', 'integrations.id', 'verifications.integrationId')
    .select([
      'verifications.version',
      'verifications.phase',
      'verifications.expiresAt',
      'integrations.version as settingsVersion',
    ])
    .where('tokenHash', '=', sha256(token))
    .executeTakeFirst()
  return row ? versionOf(row, row.settingsVersion, clock.now()) : notFound()
}

function notFound(): never {
  fail(
    'verification_not_found',
    'There is no such verification. Ask whoever sent you the link for a new one.',
  )
}
