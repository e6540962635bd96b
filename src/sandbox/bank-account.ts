import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { book } from '../ledger/book.ts'
import { amountOf } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import type { ProviderAccount } from '../providers/bank/port.ts'
import { openAccount } from '../providers/bank/simulated/account.ts'

/** One process at a time opens accounts; the number means nothing. */
const LOCK = 7_264_004

/** What the treasury puts on each account when it is opened, so that payouts can leave it. */
export const OPENING_BALANCES: Readonly<Record<string, string>> = {
  EUR: '10000000.00',
  CLP: '10000000000',
  MXN: '200000000.00',
  COP: '40000000000.00',
  PEN: '40000000.00',
  ARS: '10000000000.00',
}

/** Who holds the accounts that all integrations are paid out of, in the currencies of Latin America. */
const SHARED_HOLDER = 'CryptoPocket Sandbox'

/**
 * Opens accounts at the simulated bank: a euro account for each integration that has none, and one that all share in
 * each other currency. Safe to run at every start, by several processes at once.
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
    const now = clock.now()
    await fundEmptyAccounts(trx, now)
    for (const { id, name } of without) {
      await giveBankAccount(trx, { integrationId: id, name, currency: 'EUR', now })
    }
    for (const currency of await listUnshared(trx)) {
      await giveBankAccount(trx, { integrationId: null, name: SHARED_HOLDER, currency, now })
    }
  })
}

/** The currencies but the euro in which no account is shared yet. */
async function listUnshared(trx: Trx): Promise<string[]> {
  const shared = await trx
    .selectFrom('bankAccounts')
    .select('currency')
    .where('integrationId', 'is', null)
    .execute()
  const known = new Set(shared.map(({ currency }) => currency))
  return Object.keys(OPENING_BALANCES).filter((currency) => currency !== 'EUR' && !known.has(currency))
}

/**
 * The simulated bank of the sandbox opens an account that an operator adds, of this number, and knows it already the next
 * time; where there is no such bank nothing happens. `giveBankAccounts` funds it once it is one of ours.
 */
export async function openSimulatedAccount(
  { config, db, clock }: Pick<App, 'config' | 'db' | 'clock'>,
  { iban, bic, bankName, holderName, currency }: ProviderAccount,
): Promise<void> {
  if (config.mode !== 'sandbox' || config.providers.bank !== 'simulated') return
  await db
    .insertInto('simulated.bankAccounts')
    .values({ iban, bic, bankName, holderName, currency, balanceUnits: 0n, openedAt: clock.now() })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

async function giveBankAccount(
  trx: Trx,
  {
    integrationId,
    name,
    currency,
    now,
  }: { integrationId: number | null; name: string; currency: string; now: Date },
): Promise<void> {
  const openingUnits = openingOf(currency)
  const account = await openAccount(trx, { holderName: name, currency, at: now, openingUnits })
  await trx
    .insertInto('bankAccounts')
    .values({ ...account, integrationId, dueAt: now, createdAt: now })
    .execute()
  await bookOpening(trx, account, now)
}

/** Accounts that were opened empty, before anything was paid out of them, get what the others begin with. */
async function fundEmptyAccounts(trx: Trx, now: Date): Promise<void> {
  const { rows } = await sql<{ iban: string; currency: string }>`
    select iban, currency from simulated.bank_accounts join bank_accounts using (iban, currency)
     where not exists (select from journals where purpose = 'treasury:bank:' || iban)
     order by iban`.execute(trx)
  for (const account of rows) {
    await trx
      .updateTable('simulated.bankAccounts')
      .set((row) => ({ balanceUnits: row('balanceUnits', '+', openingOf(account.currency)) }))
      .where('iban', '=', account.iban)
      .execute()
    await bookOpening(trx, account, now)
  }
}

const openingOf = (currency: string): bigint => amountOf(OPENING_BALANCES[currency] ?? '0', assetOf(currency))

async function bookOpening(
  trx: Trx,
  { iban, currency }: { iban: string; currency: string },
  now: Date,
): Promise<void> {
  const units = openingOf(currency)
  await book(trx, {
    kind: 'treasury',
    purpose: `treasury:bank:${iban}`,
    integrationId: null,
    reference: iban,
    at: now,
    postings: [
      { account: `bank:${iban}`, asset: currency, units },
      { account: 'equity:treasury', asset: currency, units: -units },
    ],
  })
}
