import { sql } from 'kysely'
import type { Db, Trx } from '../../../db/database.ts'
import { spanishIban } from '../iban.ts'
import type { ProviderAccount } from '../port.ts'

/** A bank code that no Spanish bank has. */
const BANK = '9998'
const BRANCH = '0001'
const BIC = 'SIMBESMMXXX'
const BANK_NAME = 'Banco Simulado'

/** Whether an IBAN is one that this bank gives out. */
export const isOwnIban = (iban: string): boolean => iban.startsWith('ES') && iban.slice(4, 8) === BANK

/** Opens an account at the simulated bank; its statement begins with `openingUnits`, unless it is empty. */
export async function openAccount(
  db: Db | Trx,
  {
    holderName,
    currency,
    at,
    openingUnits = 0n,
  }: { holderName: string; currency: string; at: Date; openingUnits?: bigint },
): Promise<ProviderAccount> {
  const { rows } = await sql<{
    number: number
  }>`select nextval('simulated.account_numbers') as number`.execute(db)
  const account: ProviderAccount = {
    iban: spanishIban(BANK, BRANCH, String(rows[0]!.number).padStart(10, '0')),
    bic: BIC,
    bankName: BANK_NAME,
    holderName,
    currency,
  }
  await db
    .insertInto('simulated.bankAccounts')
    .values({ ...account, balanceUnits: openingUnits, openedAt: at })
    .execute()
  return account
}
