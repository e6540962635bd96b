import type { App } from './app.ts'
import { readWalletBalances } from './effects/wallet-balances.ts'
import { type Problem, type VerifiedBooks, verifyBooks } from './ledger/verify.ts'
import { findBankProblems, findWalletProblems } from './ledger/verify-outside.ts'
import { findOrderProblems } from './ledger/verify-payouts.ts'
import { ProviderError } from './providers/provider-error.ts'

export interface VerifiedLedger extends VerifiedBooks {
  ok: boolean
}

/** Proves the books by themselves, then against the world: wallets by their chains, accounts by their bank. */
export async function verifyLedger(app: Pick<App, 'db' | 'secrets' | 'providers'>): Promise<VerifiedLedger> {
  const books = await verifyBooks(app)
  const { chains, bank } = app.providers
  const outside = await Promise.all([
    ...[...chains.values()].map((setup) =>
      ask(`the wallets on ${setup.chain}`, async () =>
        findWalletProblems(await readWalletBalances(app, setup)),
      ),
    ),
    ...(bank
      ? [
          ask('the bank accounts', () => findBankProblems(app.db, bank)),
          ask('the orders at the bank', () => findOrderProblems(app.db, bank)),
        ]
      : []),
  ])
  const problems = [...books.problems, ...outside.flat()]
  return { ...books, problems, ok: problems.length === 0 }
}

/** What can't be asked is not proven. */
async function ask(where: string, find: () => Promise<Problem[]>): Promise<Problem[]> {
  try {
    return await find()
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    return [{ where, what: `could not be compared: ${error.message}` }]
  }
}
