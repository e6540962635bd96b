import type { App } from '../../src/app.ts'
import { book } from '../../src/ledger/book.ts'
import { COIN_ASSETS } from '../../src/money/asset.ts'
import { powerOfTen } from '../../src/money/rounding.ts'

/** Nodes that nobody calls: for tests in which no chain is needed, and none is started. */
export const NO_CHAINS = { POLYGON_RPC_URL: 'http://127.0.0.1:9', BSC_RPC_URL: 'http://127.0.0.1:9' }

export const HOT_WALLETS = {
  polygon: '0x00000000000000000000000000000000000000A1',
  bsc: '0x00000000000000000000000000000000000000B2',
} as const

/**
 * Gives each chain a hot wallet that holds `wholeCoins` of every coin, in the database alone: enough for quotes, for
 * tests without a chain.
 */
export async function fundHotWallets(
  app: Pick<App, 'db' | 'clock' | 'pricing'>,
  wholeCoins = 1_000_000n,
): Promise<void> {
  const at = app.clock.now()
  await app.db.transaction().execute(async (trx) => {
    for (const [chain, address] of Object.entries(HOT_WALLETS)) {
      const row = { chain, genesisHash: '0x', checkpointHash: '0x', updatedAt: at }
      await trx.insertInto('chains').values(row).execute()
      await trx.insertInto('wallets').values({ chain, address, keyRef: 'm', role: 'hot', epoch: 1 }).execute()
      for (const { id, decimals } of COIN_ASSETS.filter((asset) => asset.chain === chain)) {
        const units = wholeCoins * powerOfTen(decimals)
        await book(trx, {
          kind: 'treasury',
          purpose: `test:fund:${id}`,
          integrationId: null,
          reference: null,
          at,
          postings: [
            { account: `wallet:${chain}:${address}`, asset: id, units },
            { account: 'equity:treasury', asset: id, units: -units },
          ],
        })
      }
    }
  })
  await app.pricing.availability.refresh()
}
