import { recordAudit } from '../common/integration-store.ts'
import { newUuid } from '../kernel/ids.ts'
import { balanceOf, bookAll } from '../ledger/book.ts'
import type { ChainSetup } from '../providers/chain/setup.ts'
import type { EffectNeeds } from './model.ts'
import { readWalletBalances, type WalletBalance } from './wallet-balances.ts'

/** How often it is looked again when the books move between looking and booking. */
const BOOK_TRIES = 5

/**
 * Books what came into the hot wallets of a chain, or into the one wallet that is named, from outside as funding by the
 * treasury, and answers it. What is missing is booked as a loss only when told so: it is for a person to explain.
 */
export async function recordFunding(
  needs: Pick<EffectNeeds, 'db' | 'clock'>,
  setup: ChainSetup,
  change: { who: string; why: string; writeOff?: boolean; address?: string },
): Promise<WalletBalance[]> {
  const which = change.address === undefined ? 'hot' : { address: change.address }
  const booked: WalletBalance[] = []
  for (let attempt = 0; attempt < BOOK_TRIES; attempt += 1) {
    const differing = (await readWalletBalances(needs, setup, which)).filter(({ differenceUnits }) =>
      change.writeOff ? differenceUnits !== 0n : differenceUnits > 0n,
    )
    if (differing.length === 0) break
    booked.push(...(await bookDifferences(needs, setup, differing, change)))
  }
  return booked
}

/** Two processes that saw the same coins come book them once: the second finds the books changed. */
async function bookDifferences(
  { db, clock }: Pick<EffectNeeds, 'db' | 'clock'>,
  { chain }: ChainSetup,
  differing: readonly WalletBalance[],
  { who, why }: { who: string; why: string },
): Promise<WalletBalance[]> {
  return db.transaction().execute(async (trx) => {
    await trx
      .selectFrom('wallets')
      .select('address')
      .where('chain', '=', chain)
      .where('address', 'in', [...new Set(differing.map(({ address }) => address))])
      .orderBy('address')
      .forUpdate()
      .execute()
    const still: WalletBalance[] = []
    for (const balance of differing) {
      if ((await balanceOf(trx, balance.door, balance.asset)) === balance.ledgerUnits) still.push(balance)
    }
    const now = clock.now()
    await bookAll(trx, [
      {
        kind: 'treasury',
        purpose: `treasury:${chain}:${newUuid()}`,
        integrationId: null,
        reference: `${chain}: ${why}`,
        at: now,
        postings: still.flatMap(({ asset, door, differenceUnits }) => [
          { account: door, asset, units: differenceUnits },
          {
            account: differenceUnits > 0n ? 'equity:treasury' : 'loss:wallet',
            asset,
            units: -differenceUnits,
          },
        ]),
      },
    ])
    for (const { door, asset, differenceUnits } of still) {
      const after = { asset, units: differenceUnits.toString() }
      await recordAudit(trx, now, { who, why, action: 'wallet.funding', target: door, after })
    }
    return still
  })
}
