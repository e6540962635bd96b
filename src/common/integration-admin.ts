import { Value } from 'typebox/value'
import type { App } from '../app.ts'
import { newSecret, randomText } from '../kernel/ids.ts'
import { compileAllowlist } from '../server/auth.ts'
import { DEFAULT_SETTINGS, IntegrationSettings } from './integration.ts'
import { createIntegration, recordAudit } from './integration-store.ts'

/** Who changes something and why; both are recorded. */
export interface Change {
  who: string
  why: string
}

/** A command that can't be carried out, with a message made to be shown. */
export class RefusedChange extends Error {}

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'config'>

/** Creates an integration with a new key pair; the secret is readable only now. */
export async function addIntegration(
  app: Needs,
  name: string,
  assignments: readonly string[],
  change: Change,
) {
  const settings = assign(
    { ...structuredClone(DEFAULT_SETTINGS), brand: { ...DEFAULT_SETTINGS.brand, name } },
    assignments,
  )
  const apiKey = newApiKey()
  const apiSecret = newSecret()
  const id = await createIntegration(app, { name, settings, apiKey, apiSecret, ...change })
  return { id: id as number, apiKey, apiSecret }
}

const newApiKey = (): string => `key_${randomText(24)}`

/** Changes settings by `path=value` assignments; answers the settings before and after. */
export async function changeSettings(app: Needs, id: number, assignments: readonly string[], change: Change) {
  return app.db.transaction().execute(async (trx) => {
    const row = await trx
      .selectFrom('integrations')
      .select('settings')
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst()
    if (!row) throw new RefusedChange(`There is no integration ${id}. "integration show" lists them.`)
    const before = row.settings as IntegrationSettings
    const after = assign(structuredClone(before), assignments)
    const now = app.clock.now()
    await trx
      .updateTable('integrations')
      .set((eb) => ({ settings: JSON.stringify(after), version: eb('version', '+', 1), updatedAt: now }))
      .where('id', '=', id)
      .execute()
    await recordAudit(trx, now, {
      ...change,
      action: 'integration.set',
      target: `integration:${id}`,
      before,
      after,
    })
    return { before, after }
  })
}

/**
 * Applies assignments such as `fees.card.percent=2.90`, `wallets.polygon=0x…`, `pairs=["polygon:USDC"]` or
 * `limits.basic.year=20000.00`. A value is read as JSON where the setting isn't text; an empty value removes an
 * entry of a map. The result is checked as a whole.
 */
export function assign(settings: IntegrationSettings, assignments: readonly string[]): IntegrationSettings {
  for (const assignment of assignments) {
    const split = assignment.indexOf('=')
    if (split < 1)
      throw new RefusedChange(
        `${JSON.stringify(assignment)} is not an assignment. Write it like fees.card.percent=2.90.`,
      )
    setAt(
      settings as unknown as Record<string, unknown>,
      assignment.slice(0, split).split('.'),
      assignment.slice(split + 1),
    )
  }
  const faults = Value.Errors(IntegrationSettings, settings)
  if (faults.length > 0) {
    throw new RefusedChange(faults.flatMap(describeFault).join('\n'))
  }
  try {
    compileAllowlist(settings.ipAllowlist)
  } catch {
    throw new RefusedChange(
      'ipAllowlist: each entry must be an address or a CIDR range, such as 203.0.113.7 or 203.0.113.0/24.',
    )
  }
  return settings
}

function describeFault({
  keyword,
  instancePath,
  message,
}: ReturnType<typeof Value.Errors>[number]): string[] {
  const path = instancePath.slice(1).replaceAll('/', '.')
  // Told once, by the name that doesn't exist, and not again by what holds it.
  if (keyword === 'additionalProperties') return []
  if (keyword !== 'boolean') return [`${path}: ${message}`]
  return [
    `There is no setting ${path}. There are: ${Object.keys(IntegrationSettings.properties).join(', ')}.`,
  ]
}

function setAt(target: Record<string, unknown>, path: string[], text: string): void {
  const [key, ...rest] = path as [string, ...string[]]
  if (key === '__proto__' || key === 'constructor') throw new RefusedChange(`There is no setting ${key}.`)
  if (rest.length > 0) {
    const inner = (target[key] ??= {})
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner))
      throw new RefusedChange(`${key} has nothing below it.`)
    setAt(inner as Record<string, unknown>, rest, text)
    return
  }
  if (text === '') delete target[key]
  else target[key] = typeof target[key] === 'string' || target[key] === undefined ? text : readJson(text)
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Gives a new key pair; the old ones go on for a while (24 hours unless configured), then end. */
export async function rotateSecret(app: Needs, id: number, change: Change) {
  const now = app.clock.now()
  const oldEndsAt = new Date(now.getTime() + app.config.durations.secretRotationOverlapMs)
  const apiKey = newApiKey()
  const apiSecret = newSecret()
  await app.db.transaction().execute(async (trx) => {
    const known = await trx
      .selectFrom('integrations')
      .select('id')
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst()
    if (!known) throw new RefusedChange(`There is no integration ${id}. "integration show" lists them.`)
    await trx
      .updateTable('credentials')
      .set({ expiresAt: oldEndsAt })
      .where('integrationId', '=', id)
      .where((eb) => eb.or([eb('expiresAt', 'is', null), eb('expiresAt', '>', oldEndsAt)]))
      .execute()
    await trx
      .insertInto('credentials')
      .values({
        apiKey,
        integrationId: id,
        secretSealed: app.secrets.seal('api-secret', apiSecret),
        createdAt: now,
      })
      .execute()
    await recordAudit(trx, now, {
      ...change,
      action: 'integration.rotate-secret',
      target: `integration:${id}`,
      after: { apiKey },
    })
  })
  return { apiKey, apiSecret, oldEndsAt }
}

/** Ends every token of the integration; processes notice within two seconds. */
export async function revokeTokens(app: Needs, id: number, change: Change): Promise<number> {
  const now = app.clock.now()
  return app.db.transaction().execute(async (trx) => {
    const { numUpdatedRows } = await trx
      .updateTable('authTokens')
      .set({ revokedAt: now })
      .where('integrationId', '=', id)
      .where('revokedAt', 'is', null)
      .executeTakeFirst()
    await recordAudit(trx, now, {
      ...change,
      action: 'integration.revoke-tokens',
      target: `integration:${id}`,
      after: { tokens: Number(numUpdatedRows) },
    })
    return Number(numUpdatedRows)
  })
}

/** The integrations in use, or one of them, with their keys but never a secret. */
export async function listIntegrations(app: Needs, id?: number) {
  let query = app.db
    .selectFrom('integrations')
    .select(['id', 'name', 'settings', 'version', 'createdAt'])
    .where('detachedAt', 'is', null)
    .orderBy('id')
  if (id !== undefined) query = query.where('id', '=', id)
  const integrations = await query.execute()
  const keys = await app.db
    .selectFrom('credentials')
    .select(['apiKey', 'integrationId', 'expiresAt'])
    .orderBy('createdAt')
    .execute()
  return integrations.map((integration) => ({
    ...integration,
    keys: keys.filter((key) => key.integrationId === integration.id),
  }))
}
