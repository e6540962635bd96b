import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { IntegrationSettings } from '../common/integration.ts'
import type { Trx } from '../db/database.ts'
import { amountOf } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { type Price, worthOf } from '../money/rate.ts'
import { readSettings } from '../onramp/receive.ts'
import { EUR } from '../pricing/terms.ts'
import { type SalePolicy, salePolicy } from './decide-deposit.ts'
import { loadCounted } from './deposit-store.ts'
import { findPayoutAccounts, type PayoutAccounts } from './payout-account.ts'
import { type Sale, saleCoin, saleFiat } from './sale.ts'
import type { CountedCoins } from './sale-conversion.ts'
import { ENDED_WITHOUT_MONEY } from './sale-states.ts'

/** What has to be known of sales before it is decided what becomes of their coins. */
export interface SaleFacts {
  settings: ReadonlyMap<number, IntegrationSettings>
  /** Sales that ended, and whose `external_id` another one holds now. */
  taken: ReadonlySet<string>
  /** The coins counted for each sale so far. */
  counted: ReadonlyMap<string, CountedCoins[]>
  accounts: PayoutAccounts
  prices: Pick<App['pricing'], 'price'>
}

/** Few statements whatever the number of sales, which are locked. */
export async function loadSaleFacts(
  trx: Trx,
  prices: SaleFacts['prices'],
  sales: readonly Sale[],
): Promise<SaleFacts> {
  const integrations = [...new Set(sales.map(({ integrationId }) => integrationId))]
  const begun = sales.filter(({ receivedUnits }) => receivedUnits > 0n)
  const counted = await loadCounted(trx, begun)
  for (const { id } of sales) if (!counted.has(id)) counted.set(id, [])
  return {
    settings: await readSettings(trx, integrations),
    taken: await findTakenNames(trx, sales),
    counted,
    accounts: await findPayoutAccounts(trx, sales),
    prices,
  }
}

/** Of sales that ended, those whose name another one holds now. */
async function findTakenNames(trx: Trx, sales: readonly Sale[]): Promise<Set<string>> {
  const named = sales.filter(({ state, externalId }) => externalId !== null && ENDED_WITHOUT_MONEY.has(state))
  if (named.length === 0) return new Set()
  const { rows } = await sql<{ saleId: string }>`
    select given.sale_id
      from unnest(${named.map(({ integrationId }) => integrationId)}::integer[],
                  ${named.map(({ externalId }) => externalId)}::text[],
                  ${named.map(({ id }) => id)}::text[]) given (integration_id, external_id, sale_id)
      join sales on sales.integration_id = given.integration_id
                and sales.live_external_id = given.external_id`.execute(trx)
  return new Set(rows.map(({ saleId }) => saleId))
}

export const settingsOf = (facts: SaleFacts, sale: Sale): IntegrationSettings =>
  facts.settings.get(sale.integrationId)!

export const policyOf = (facts: SaleFacts, sale: Sale): SalePolicy =>
  salePolicy(settingsOf(facts, sale), sale)

export const currentPriceOf = (facts: Pick<SaleFacts, 'prices'>, sale: Sale): Price | undefined =>
  facts.prices.price(saleCoin(sale), saleFiat(sale))?.price

/** Worth less than moving it costs; without a price of the coin nobody can say so. */
export function isDust(facts: SaleFacts, sale: Sale, asset: string, units: bigint): boolean {
  const coin = assetOf(asset)
  const price = facts.prices.price(coin, EUR)?.price
  if (!price) return false
  return worthOf(units, coin, EUR, price, 'up') < amountOf(settingsOf(facts, sale).sales.dust, EUR)
}
