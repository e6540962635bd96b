import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { openAccount } from '../providers/bank/simulated/account.ts'

/** One process at a time opens accounts; the number means nothing. */
const LOCK = 7_264_004

/**
 * Opens a euro account at the simulated bank for each integration that has none. Safe to run at every start, by
 * several processes at once.
 */
export async function giveBankAccounts({
  config,
  db,
  clock,
}: Pick<App, 'config' | 'db' | 'clock'>): Promise<void> {
  if (config.mode !== 'sandbox' || config.providers.bank !== 'simulated') return
  await db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(${LOCK})`.execute(trx)
    const without = await trx
      .selectFrom('integrations')
      .select(['id', 'name'])
      .where('detachedAt', 'is', null)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('bankAccounts')
              .select('iban')
              .whereRef('bankAccounts.integrationId', '=', 'integrations.id')
              .where('currency', '=', 'EUR'),
          ),
        ),
      )
      .orderBy('id')
      .execute()
    for (const { id, name } of without)
      await giveBankAccount(trx, { integrationId: id, name, now: clock.now() })
  })
}

async function giveBankAccount(
  trx: Trx,
  { integrationId, name, now }: { integrationId: number; name: string; now: Date },
): Promise<void> {
  const account = await openAccount(trx, { holderName: name, currency: 'EUR', at: now })
  await trx
    .insertInto('bankAccounts')
    .values({ ...account, integrationId, dueAt: now, createdAt: now })
    .execute()
}
