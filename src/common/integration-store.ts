import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { IntegrationSettings } from './integration.ts'

export interface AuditEntry {
  who: string
  why: string
  action: string
  target: string
  before?: unknown
  after?: unknown
}

/** Records who changed what and why, in the transaction of the change. */
export async function recordAudit(trx: Trx, at: Date, entry: AuditEntry): Promise<void> {
  await trx
    .insertInto('auditLog')
    .values({
      at,
      who: entry.who,
      why: entry.why,
      action: entry.action,
      target: entry.target,
      before: entry.before === undefined ? null : JSON.stringify(entry.before),
      after: entry.after === undefined ? null : JSON.stringify(entry.after),
    })
    .execute()
}

export interface NewIntegration {
  name: string
  settings: IntegrationSettings
  apiKey: string
  apiSecret: string
  who: string
  why: string
}

/** Creates an integration with its first key pair. Answers undefined, and changes nothing, when the key exists. */
export async function createIntegration(
  app: Pick<App, 'db' | 'clock' | 'secrets'>,
  { name, settings, apiKey, apiSecret, who, why }: NewIntegration,
): Promise<number | undefined> {
  const now = app.clock.now()
  return app.db.transaction().execute(async (trx) => {
    // Two processes that seed at once: the second waits here and then finds the key.
    await sql`select pg_advisory_xact_lock(hashtext(${`integration:${apiKey}`}))`.execute(trx)
    const known = await trx
      .selectFrom('credentials')
      .select('integrationId')
      .where('apiKey', '=', apiKey)
      .executeTakeFirst()
    if (known) return undefined
    const { id } = await trx
      .insertInto('integrations')
      .values({ name, settings: JSON.stringify(settings), createdAt: now, updatedAt: now })
      .returning('id')
      .executeTakeFirstOrThrow()
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
      who,
      why,
      action: 'integration.create',
      target: `integration:${id}`,
      after: { name, apiKey, settings },
    })
    return id
  })
}
