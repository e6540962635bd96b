import { sql } from 'kysely'
import type { App } from '../app.ts'
import { type AccountBooks, type OpenOnAccount, readAccountBooks, readOpen } from './retire-account.ts'

/** An account of ours, used or retired. */
export interface AccountEntry {
  iban: string
  bic: string
  bankName: string
  holderName: string
  currency: string
  status: string
  ordersBy: 'api' | 'file'
  integrationId: number | null
  /** The name of the integration that it belongs to; null when all share it. */
  integration: string | null
  /** The last day that an imported statement tells of; null before the first. */
  statementTo: string | null
  createdAt: Date
}

const ENTRY = sql`
  select iban, bic, bank_name, holder_name, currency, status, orders_by, integration_id, integrations.name as integration,
         (select max(to_on)::text from statements s where s.iban = bank_accounts.iban and s.complete) as statement_to,
         bank_accounts.created_at
    from bank_accounts left join integrations on integrations.id = integration_id`

/** Those in use first; the newest of each currency and owner, which payers are given, before the others. */
export async function listAccounts({ db }: Pick<App, 'db'>): Promise<AccountEntry[]> {
  const { rows } = await sql<AccountEntry>`
    ${ENTRY} order by status, currency, integration_id nulls first, bank_accounts.created_at desc, iban`.execute(
    db,
  )
  return rows
}

/** One account with what the books have of it and what is open; undefined when it is none of ours. */
export async function describeAccount(
  { db }: Pick<App, 'db'>,
  iban: string,
): Promise<(AccountEntry & AccountBooks & OpenOnAccount) | undefined> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      const { rows } = await sql<AccountEntry>`${ENTRY} where iban = ${iban}`.execute(trx)
      const [entry] = rows
      if (!entry) return undefined
      return {
        ...entry,
        ...(await readAccountBooks(trx, iban, entry.currency)),
        ...(await readOpen(trx, iban)),
      }
    })
}
