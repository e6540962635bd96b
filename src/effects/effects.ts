import type { Lane } from '../kernel/lanes.ts'
import type { ChainSetup } from '../providers/chain/setup.ts'
import { createChainCheck } from './chain-check.ts'
import { registerChain } from './chain-register.ts'
import { type EffectNeeds, lanesOfChain } from './model.ts'
import { nextPayoutDue } from './payout-store.ts'
import { movePayouts } from './payouts.ts'
import { prepareTransactions } from './prepare.ts'
import { reserveSweeps, reserveTransfers } from './reserve.ts'
import { nextPlannedDue } from './reserve-store.ts'
import { sendTransactions } from './send.ts'
import { nextTransactionDue } from './transaction-store.ts'
import { createWatch } from './watch.ts'

/** How often a chain is looked at while transactions are on it, in real time. */
const WATCH_MS = 500
const CHECK_MS = 2_000

/**
 * The only door through which money leaves: lanes of each chain, apart from each other so that a dead node delays no
 * other chain, and one lane for banks and cards.
 */
export function effectLanes(needs: EffectNeeds): Lane[] {
  return [...[...needs.chains.values()].flatMap((setup) => chainLanes(needs, setup)), payoutLane(needs)]
}

function chainLanes(needs: EffectNeeds, setup: ChainSetup): Lane[] {
  const { db } = needs
  const { chain } = setup
  const names = lanesOfChain(chain)
  return [
    {
      name: names.dispatch,
      step: () => reserveTransfers(needs, setup),
      nextDue: () => nextPlannedDue(db, chain, 'hot'),
    },
    {
      name: names.collect,
      step: () => reserveSweeps(needs, setup),
      nextDue: () => nextPlannedDue(db, chain, 'deposit'),
    },
    {
      name: names.prepare,
      step: () => prepareTransactions(needs, setup),
      nextDue: () => nextTransactionDue(db, chain, 'unsigned'),
    },
    {
      name: names.send,
      step: () => sendTransactions(needs, setup),
      nextDue: () => nextTransactionDue(db, chain, 'unsent'),
    },
    {
      name: names.watch,
      step: createWatch(needs, setup),
      nextDue: () => nextTransactionDue(db, chain, 'watched'),
      pollMs: WATCH_MS,
    },
    { name: names.chain, step: createChainCheck(needs, setup), nextDue: async () => null, pollMs: CHECK_MS },
  ]
}

const payoutLane = (needs: EffectNeeds): Lane => ({
  name: 'payouts',
  step: () => movePayouts(needs),
  nextDue: () => nextPayoutDue(needs.db),
})

/**
 * Writes the chains and their hot wallets down before the lanes start. A chain whose node does not answer now is left
 * to its check, which tries again; the rest of the program starts without it.
 */
export async function registerChains(needs: EffectNeeds): Promise<void> {
  await Promise.all(
    [...needs.chains.values()].map(async (setup) => {
      try {
        await registerChain(needs, setup)
      } catch (error) {
        needs.log.error(
          { chain: setup.chain, err: error },
          'A chain could not be looked at; it is tried again.',
        )
      }
    }),
  )
}
