import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSimulatorWorld } from '../../../../test/support/simulator.ts'
import { isValidIban } from '../../bank/iban.ts'
import { openAccount } from '../../bank/simulated/account.ts'
import { simulatedBankLane } from '../../bank/simulated/lane.ts'
import { createSimulatedBankProvider } from '../../bank/simulated/provider.ts'
import { openBankingSuite } from '../contract-suite.ts'
import { accountsOf, BANKS } from './banks.ts'
import { simulatedOpenBankingLane } from './lane.ts'
import { createSimulatedOpenBankingProvider } from './provider.ts'
import { cancelSession, chooseBank, consent, findSession, logIn, refuse } from './session.ts'

openBankingSuite('simulated', async () => {
  const world = await openSimulatorWorld((simulator) => [
    simulatedOpenBankingLane(simulator),
    simulatedBankLane(simulator),
  ])
  const { simulator } = world
  const now = () => simulator.clock.now()
  const account = await openAccount(simulator.db, { holderName: 'Sandbox', currency: 'EUR', at: now() })
  const bank = createSimulatedBankProvider(simulator)
  const [someBank] = BANKS
  return {
    provider: createSimulatedOpenBankingProvider(simulator),
    now,
    creditor: { iban: account.iban, name: account.holderName },
    async customer(providerRef, does) {
      const { db } = simulator
      if (does === 'gives up') return void (await cancelSession(db, providerRef, now()))
      await chooseBank(db, providerRef, someBank!.id, now())
      await logIn(db, providerRef, now())
      if (does === 'says no') return void (await refuse(db, providerRef, 'refused_by_customer', now()))
      const session = await findSession(db, providerRef)
      const accounts = accountsOf(someBank!, session!.customerName)
      await consent(db, session!, accounts[does === 'pays' ? 0 : 1]!, now())
    },
    async told() {
      world.advance(5_000)
      await world.settle()
      return world.delivered.splice(0).filter(({ path }) => path === '/providers/open-banking/callback')
    },
    async arrived(concept) {
      const lines = await bank.listTransactions(account.iban, null)
      return lines
        .filter((line) => line.concept === concept)
        .map(({ units, counterpartyName, counterpartyIban }) => ({
          units,
          name: counterpartyName,
          iban: counterpartyIban,
        }))
    },
    async letExpire() {
      world.advance(3_600_000)
    },
    close: world.close,
  }
})

test('every account at every simulated bank has a valid IBAN of its own', () => {
  const ibans = BANKS.flatMap((bank) => accountsOf(bank, 'Ana García').map(({ iban }) => iban))
  for (const iban of ibans) assert.ok(isValidIban(iban), iban)
  assert.equal(new Set(ibans).size, BANKS.length * 3)
  assert.deepEqual(
    ibans.slice(0, 3),
    accountsOf(BANKS[0]!, 'Ana García').map(({ iban }) => iban),
  )
})
