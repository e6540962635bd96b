import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import type { Sale } from './sale.ts'

type Payer = Pick<Sale, 'integrationId' | 'fiat'>

/** Our account that pays in a currency, by `accountKey`. */
export type PayoutAccounts = ReadonlyMap<string, string>

/**
 * The accounts that sales are paid from, in their currencies: of those whose door is open the integration's own, else
 * one that several share, the oldest of them: one that was just added holds nothing yet. Never one of another integration. When all doors are closed the payout waits at one of them.
 * An integration that the sandbox's reset detached is paid from what is its successor's now.
 */
export async function findPayoutAccounts(trx: Trx, sales: readonly Payer[]): Promise<PayoutAccounts> {
  const wanted = [...new Map(sales.map((sale) => [accountKey(sale), sale])).values()]
  if (wanted.length === 0) return new Map()
  const { rows } = await sql<Payer & { iban: string }>`
    select given.integration_id, given.fiat, account.iban
      from unnest(${wanted.map(({ integrationId }) => integrationId)}::integer[],
                  ${wanted.map(({ fiat }) => fiat)}::text[]) given (integration_id, fiat)
           join integrations i on i.id = given.integration_id
           cross join lateral (
             select iban from bank_accounts a left join doors d on d.door = 'bank:' || a.iban
              where (a.integration_id = coalesce(i.replaced_by, i.id) or a.integration_id is null)
                and a.currency = given.fiat and a.status = 'active'
              order by d.halted_at is not null, d.paused_at is not null, a.integration_id nulls last, a.created_at, iban
              limit 1) account`.execute(trx)
  return new Map(rows.map((row) => [accountKey(row), row.iban]))
}

export const accountKey = ({ integrationId, fiat }: Payer): string => `${integrationId}:${fiat}`
