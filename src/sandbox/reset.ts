import { sql } from 'kysely'
import { Type } from 'typebox'
import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import type { Trx } from '../db/database.ts'
import { endpoint } from '../server/endpoint.ts'
import { unsubscribeFromAll } from '../webhooks/subscription-store.ts'

/** Tells the other processes to read integrations and tokens anew. */
export const INTEGRATIONS_CHANNEL = 'integrations'

const PATH = '/api/sandbox/reset'

export const resetSandbox = endpoint({
  method: 'POST',
  path: PATH,
  section: 'sandbox',
  name: 'resetSandbox',
  summary: 'Begin anew',
  description:
    'Detaches all data of this integration: customers, payments and events are no longer found, every `external_id` and e-mail is free again, and there are no webhook subscriptions. Credentials, tokens, settings and bank accounts stay, and so do the ledger, the wallets and the clock. What was under way ends by itself, unheard: coins that still come for an old sale are paid out.',
  audience: 'token',
  sandboxOnly: true,
  body: Type.Object({}),
  data: Type.Object({ reset: Type.Literal(true) }),
  errors: [],
  examples: { request: {}, answer: { reset: true } },
  async handle(app, request) {
    await detachData(app, request.integration.id, (trx) => request.remember(trx, { reset: true }))
    app.authenticator.forget()
    app.notifier.announce(INTEGRATIONS_CHANNEL, String(request.integration.id))
    return { reset: true }
  },
})

/**
 * A fresh integration with the same settings takes over who speaks for it and its bank accounts. The old one keeps
 * its rows, whose work goes on, over the accounts of the one that took its place: money that is under way must end
 * somewhere. Nothing has to be deleted row by row.
 */
async function detachData(
  { db, clock }: Pick<App, 'db' | 'clock'>,
  integrationId: number,
  remember: (trx: Trx) => Promise<void>,
): Promise<void> {
  const now = clock.now()
  await db.transaction().execute(async (trx) => {
    const old = await trx
      .updateTable('integrations')
      .set({ detachedAt: now, updatedAt: now, version: sql`version + 1` })
      .where('id', '=', integrationId)
      .where('detachedAt', 'is', null)
      .returning(['name', 'settings'])
      .executeTakeFirst()
    // Somebody else's reset came first, and this one asked for the same.
    if (!old) return
    const fresh = await trx
      .insertInto('integrations')
      .values({ name: old.name, settings: JSON.stringify(old.settings), createdAt: now, updatedAt: now })
      .returning('id')
      .executeTakeFirstOrThrow()
    await trx
      .updateTable('integrations')
      .set({ replacedBy: fresh.id })
      .where((row) => row.or([row('id', '=', integrationId), row('replacedBy', '=', integrationId)]))
      .execute()
    for (const table of ['credentials', 'authTokens', 'bankAccounts'] as const) {
      await trx
        .updateTable(table)
        .set({ integrationId: fresh.id })
        .where('integrationId', '=', integrationId)
        .execute()
    }
    await unsubscribeFromAll(trx, integrationId, now)
    await recordAudit(trx, now, {
      who: `integration:${integrationId}`,
      why: 'The sandbox was reset.',
      action: 'integration.reset',
      target: `integration:${fresh.id}`,
    })
    await remember(trx)
    // The same call again must find its answer, though it now speaks for the fresh integration.
    await trx
      .updateTable('idempotencyKeys')
      .set({ integrationId: fresh.id })
      .where('integrationId', '=', integrationId)
      .where('path', '=', PATH)
      .execute()
  })
}
