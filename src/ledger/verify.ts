import type { App } from '../app.ts'
import { findAccountProblems } from './verify-accounts.ts'
import { findSealProblems, type SealHead } from './verify-seals.ts'

/** One thing that is not as it must be. */
export interface Problem {
  /** The row or account, such as `journal 17, line 2` or `account customer:…:fiat (EUR)`. */
  where: string
  /** What is wrong with it, for people. */
  what: string
}

export interface VerifiedBooks {
  problems: Problem[]
  journals: number
  /** The end of the chain. Kept outside, it proves later that nothing before it was cut off. */
  head: SealHead | null
}

/**
 * Proves the books by themselves, in one consistent state of the database and while it is in use: each journal sums
 * to zero, the chain of seals fits every row, and the accounts are what payments, sales, bank lines and effects say.
 */
export async function verifyBooks({ db, secrets }: Pick<App, 'db' | 'secrets'>): Promise<VerifiedBooks> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      const seals = await findSealProblems(trx, secrets)
      const accounts = await findAccountProblems(trx)
      return { ...seals, problems: [...seals.problems, ...accounts] }
    })
}
