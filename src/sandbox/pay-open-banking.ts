import type { App } from '../app.ts'
import type { Payment } from '../onramp/payment.ts'
import { startSession } from '../onramp/start-session.ts'
import { accountsOf, BANKS } from '../providers/open-banking/simulated/banks.ts'
import {
  cancelSession,
  chooseBank,
  consent,
  logIn,
  type OpenBankingSessionRow,
  refuse,
} from '../providers/open-banking/simulated/session.ts'
import { CALLBACKS_LANE } from '../providers/simulated/simulator.ts'
import { fail } from '../server/errors.ts'
import { sessionOfUrl } from './simulators/session-url.ts'

export const OPEN_BANKING_OUTCOMES = ['paid', 'refused', 'insufficient_funds', 'cancelled'] as const

/** The customer goes through the open-banking provider's page: bank, login, and yes or no. */
export async function payByOpenBanking(
  app: Parameters<typeof startSession>[0] & Pick<App, 'wake'>,
  payment: Payment,
  outcome: string,
): Promise<void> {
  const { url } = await startSession(app, payment.id)
  const id = sessionOfUrl(url)
  const done =
    outcome === 'cancelled'
      ? await cancelSession(app.db, id, app.clock.now())
      : await decide(app, id, outcome)
  if (!done) fail('payment_not_pending', "The provider's session is over already.")
  app.wake(CALLBACKS_LANE)
}

async function decide(
  { db, clock }: Pick<App, 'db' | 'clock'>,
  id: string,
  outcome: string,
): Promise<OpenBankingSessionRow | undefined> {
  const bank = BANKS[0]!
  const now = clock.now()
  await chooseBank(db, id, bank.id, now)
  const session = await logIn(db, id, now)
  if (!session) return undefined
  if (outcome === 'refused') return refuse(db, id, 'refused_by_customer', now)
  const accounts = accountsOf(bank, session.customerName)
  const account = accounts.find(({ id: name }) => name === (outcome === 'paid' ? 'current' : 'savings'))!
  return consent(db, session, account, now)
}
