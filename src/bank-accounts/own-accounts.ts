import { sql } from 'kysely'
import type { Db } from '../db/database.ts'
import { sumFromCheckpoint } from '../ledger/book.ts'

/** An account as an integration sees it. */
export interface OwnAccount {
  iban: string
  bic: string
  bankName: string
  holderName: string
  currency: string
  /** By the books, in base units; null of an account that several share, where not all is this integration's. */
  balanceUnits: bigint | null
  status: string
  createdAt: Date
  isShared: boolean
}

/**
 * The integration's own accounts, and those of the shared ones that its payments got money on: of these it sees the
 * lines that are for its payments alone, so that there is nothing to see before.
 */
const VISIBLE = (integrationId: number) => sql`
  (accounts.integration_id = ${integrationId}
   or (accounts.integration_id is null
       and exists (select from bank_matches matches
                    where matches.integration_id = ${integrationId} and matches.iban = accounts.iban and units > 0)))`

/** Own accounts first, oldest first. */
export async function listOwnAccounts(db: Db, integrationId: number): Promise<OwnAccount[]> {
  const { rows } = await sql<OwnAccount>`
    select iban, bic, bank_name, holder_name, currency, status, created_at, integration_id is null as is_shared,
           case when integration_id is not null
                then (${sumFromCheckpoint(sql.ref('bank_path'), sql.ref('currency'))}) end as balance_units
      from (select accounts.*, 'bank:' || iban as bank_path from bank_accounts accounts
             where ${VISIBLE(integrationId)}) accounts
     order by is_shared, created_at, iban`.execute(db)
  return rows
}

/** The account of that IBAN, where the integration sees it: another's is answered exactly like none. */
export async function findOwnAccount(
  db: Db,
  integrationId: number,
  iban: string,
): Promise<Pick<OwnAccount, 'iban' | 'currency' | 'isShared'> | undefined> {
  const { rows } = await sql<Pick<OwnAccount, 'iban' | 'currency' | 'isShared'>>`
    select iban, currency, integration_id is null as is_shared from bank_accounts accounts
     where iban = ${iban} and ${VISIBLE(integrationId)}`.execute(db)
  return rows[0]
}
