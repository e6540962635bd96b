import type { App } from '../app.ts'
import type { IntegrationSettings } from '../common/integration.ts'
import { sha256 } from '../kernel/secrets.ts'
import type { ApiRequest } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { type CompanyData, NO_COMPANY, openCompany } from '../users/company-data.ts'
import { listFiles, type StoredFile } from '../users/company-files.ts'
import { type Customer, findCustomer } from '../users/customer-store.ts'
import { findVerificationByToken, type Verification } from '../users/verification-store.ts'
import { hasSession } from './kyb-session.ts'
import { kybVersion, kybView } from './kyb-view.ts'
import type { KybView } from './kyb-wire.ts'

/** What a company's page is drawn from. */
export interface KybScene {
  token: string
  /** Whether this browser came in by the password. */
  isIn: boolean
  verification: Verification
  customer: Customer
  keyWrapped: Buffer
  settings: IntegrationSettings
  settingsVersion: number
  data: CompanyData
  files: StoredFile[]
}

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'config'>
export type Visitor = Pick<ApiRequest, 'cookies'>

/** The company's verification whose link this is. Throws `verification_not_found`. */
export async function getCompanyVerification({ db }: Pick<App, 'db'>, token: string): Promise<Verification> {
  const verification = await findVerificationByToken(db, sha256(token))
  return verification?.kind === 'kyb' ? verification : notFound()
}

/** All that there is to the form. Throws `password_required` in a browser that did not come in by the password. */
export async function getOpenScene(app: Needs, visitor: Visitor, token: string): Promise<KybScene> {
  const scene = await getKybScene(app, visitor, token)
  return scene.isIn ? scene : fail('password_required', 'Give the password that came with this link first.')
}

export async function getKybView(app: Needs, visitor: Visitor, token: string): Promise<KybView> {
  return kybView(app, await getKybScene(app, visitor, token))
}

/** The view right after the password was found right: the browser has its cookie only with this answer. */
export async function getViewWithin(app: Needs, token: string): Promise<KybView> {
  return kybView(app, { ...(await getKybScene(app, { cookies: {} }, token)), isIn: true })
}

/** The view's version alone, by one small query: what long polls ask again and again. */
export async function getKybVersion(
  app: Pick<App, 'db' | 'clock' | 'secrets'>,
  visitor: Visitor,
  token: string,
): Promise<string> {
  const row = await app.db
    .selectFrom('verifications')
    .innerJoin('integrations', 'integrations.id', 'verifications.integrationId')
    .select([
      'verifications.id',
      'verifications.version',
      'verifications.phase',
      'verifications.expiresAt',
      'verifications.passwordHash',
      'integrations.version as settingsVersion',
    ])
    .where('tokenHash', '=', sha256(token))
    .executeTakeFirst()
  if (!row) return notFound()
  return kybVersion(row, row.settingsVersion, app.clock.now(), hasSession(app, row, visitor))
}

async function getKybScene(app: Needs, visitor: Visitor, token: string): Promise<KybScene> {
  const verification = await getCompanyVerification(app, token)
  const { integrationId, customerId, dataSealed } = verification
  const [customer, integration, files] = await Promise.all([
    findCustomer(app.db, integrationId, customerId),
    app.db
      .selectFrom('integrations')
      .select(['settings', 'version'])
      .where('id', '=', integrationId)
      .executeTakeFirstOrThrow(),
    listFiles(app.db, verification),
  ])
  const keyWrapped = customer?.keyWrapped
  // A forgotten customer's page is forgotten, too.
  if (!customer || !keyWrapped) return notFound()
  return {
    token,
    isIn: hasSession(app, verification, visitor),
    verification,
    customer,
    keyWrapped,
    settings: integration.settings as IntegrationSettings,
    settingsVersion: integration.version,
    data: dataSealed
      ? openCompany(app.secrets, keyWrapped, dataSealed)
      : { email: '', company: NO_COMPANY, people: [], declaration: null, mended: [] },
    files,
  }
}

function notFound(): never {
  fail(
    'verification_not_found',
    'There is no such verification. Ask whoever sent you the link for a new one.',
  )
}
