/** A currency or coin. A coin knows its chain: USDC has 6 decimals on Polygon and 18 on BNB Smart Chain. */
export interface Asset {
  /** `EUR`, `polygon:USDC`, `polygon:POL`: the name in the ledger. */
  id: string
  symbol: string
  /** Null for a currency. */
  chain: string | null
  decimals: number
  /** `native` is what the chain itself pays gas with. */
  kind: 'fiat' | 'native' | 'token'
  name: string
}

/** Decimals of the currencies as ISO 4217 has them. */
const FIATS: readonly Asset[] = [
  fiat('EUR', 2, 'Euro'),
  fiat('CLP', 0, 'Chilean peso'),
  fiat('MXN', 2, 'Mexican peso'),
  fiat('COP', 2, 'Colombian peso'),
  fiat('PEN', 2, 'Peruvian sol'),
  fiat('ARS', 2, 'Argentine peso'),
]

const COINS: readonly Asset[] = [
  coin('polygon', 'USDC', 6, 'token', 'USD Coin'),
  coin('polygon', 'USDT', 6, 'token', 'Tether USD'),
  coin('polygon', 'ETH', 18, 'token', 'Ether'),
  coin('polygon', 'POL', 18, 'native', 'Polygon'),
  coin('bsc', 'USDC', 18, 'token', 'USD Coin'),
  coin('bsc', 'BUSD', 18, 'token', 'Binance USD'),
  coin('bsc', 'BNB', 18, 'native', 'BNB'),
]

const CHAIN_NAMES: Readonly<Record<string, string>> = { polygon: 'Polygon', bsc: 'BNB Smart Chain' }

const byId: ReadonlyMap<string, Asset> = new Map([...FIATS, ...COINS].map((asset) => [asset.id, asset]))

/** Every coin the platform knows, chain by chain. */
export const COIN_ASSETS: readonly Asset[] = COINS

/** Every currency the platform knows; the euro comes first. */
export const FIAT_ASSETS: readonly Asset[] = FIATS

/** The coin `symbol` on `chain`, any case; undefined when the platform doesn't know it. */
export function findAsset(chain: string, symbol: string): Asset | undefined {
  const known = byId.get(`${chain}:${symbol}`)
  return known ?? byId.get(`${chain.toLowerCase()}:${symbol.toUpperCase()}`)
}

/** The currency, any case; undefined when the platform doesn't know it. */
export function fiatAsset(symbol: string): Asset | undefined {
  const asset = byId.get(symbol) ?? byId.get(symbol.toUpperCase())
  return asset?.kind === 'fiat' ? asset : undefined
}

/** The asset of a ledger name such as `EUR` or `polygon:USDC`. Throws when there is none: the ledger holds no others. */
export function assetOf(id: string): Asset {
  const asset = byId.get(id)
  if (!asset) throw new Error(`There is no asset called ${JSON.stringify(id)}.`)
  return asset
}

/** The coin that pays for gas on `chain`. Throws for a chain the platform doesn't know. */
export function nativeAssetOf(chain: string): Asset {
  const asset = COINS.find((candidate) => candidate.chain === chain && candidate.kind === 'native')
  if (!asset) throw new Error(`There is no chain called ${JSON.stringify(chain)}.`)
  return asset
}

/** Chains the platform knows, such as `polygon`. */
export const CHAINS: readonly string[] = Object.keys(CHAIN_NAMES)

/** The chain's name for people: `BNB Smart Chain`. */
export function chainName(chain: string): string {
  return CHAIN_NAMES[chain] ?? chain
}

function fiat(symbol: string, decimals: number, name: string): Asset {
  return Object.freeze({ id: symbol, symbol, chain: null, decimals, kind: 'fiat', name })
}

function coin(
  chain: string,
  symbol: string,
  decimals: number,
  kind: 'native' | 'token',
  name: string,
): Asset {
  return Object.freeze({ id: `${chain}:${symbol}`, symbol, chain, decimals, kind, name })
}
