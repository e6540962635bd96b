import { sql } from 'kysely'
import type { Address, Hex } from 'viem'
import { IS_INDEXED, UNSEALED_POSTINGS } from '../ledger/book.ts'
import { COIN_ASSETS, nativeAssetOf } from '../money/asset.ts'
import type { ChainSetup } from '../providers/chain/setup.ts'
import { type EffectNeeds, walletDoor } from './model.ts'

/** A wallet's balance in one asset, as the books and the chain have it, in base units. */
export interface WalletBalance {
  chain: string
  address: string
  door: string
  asset: string
  ledgerUnits: bigint
  /** What left in blocks that aren't final yet: the chain has it subtracted, the ledger not. */
  leavingUnits: bigint
  /** What came and isn't booked yet: the chain has it added, the ledger not. */
  arrivingUnits: bigint
  chainUnits: bigint
  /** chain − (ledger − leaving + arriving): more than 0 came without our knowing, less than 0 went. */
  differenceUnits: bigint
}

/** `hot`: wallets that coins leave for customers. `used`: addresses for deposits as well that ever held something. One by its address. */
export type WhichWallets = 'hot' | 'used' | { address: string }

/** How often the books are read again when they move while the chain is asked. */
const READ_TRIES = 5
/** How many wallets are compared at once. */
const TOGETHER = 100

interface Wallet {
  address: Address
  door: string
  isDeposit: boolean
}

/** Wallets of a chain, books against chain at its newest block. */
export async function readWalletBalances(
  needs: Pick<EffectNeeds, 'db'>,
  setup: ChainSetup,
  which: WhichWallets = 'used',
): Promise<WalletBalance[]> {
  const wallets = await listWallets(needs, setup.chain, which)
  const balances: WalletBalance[] = []
  for (let start = 0; start < wallets.length; start += TOGETHER) {
    balances.push(...(await readWallets(needs, setup, wallets.slice(start, start + TOGETHER))))
  }
  return balances
}

async function listWallets(
  { db }: Pick<EffectNeeds, 'db'>,
  chain: string,
  which: WhichWallets,
): Promise<Wallet[]> {
  const isAsked =
    which === 'hot'
      ? sql<boolean>`role <> 'deposit'`
      : which === 'used'
        ? sql<boolean>`(role <> 'deposit' or exists (
            select from deposits d join chains c on c.chain = d.chain and c.epoch = d.epoch
             where d.chain = w.chain and d.address = w.address and d.state = 'final')
          or (select coalesce(sum(abs(total)), 0) <> 0
                from (select sum(units) as total from postings
                       where account = 'wallet:' || w.chain || ':' || w.address and ${IS_INDEXED} group by asset) held))`
        : sql<boolean>`address = ${which.address}`
  const { rows } = await sql<{ address: Address; isDeposit: boolean }>`
    select address, role = 'deposit' as is_deposit from wallets w
     where chain = ${chain} and ${isAsked} order by role = 'deposit', address`.execute(db)
  return rows.map((row) => ({ ...row, door: walletDoor(chain, row.address) }))
}

/** Those that differ while books or chain moved are read again; the others agree, whatever moved. */
async function readWallets(
  needs: Pick<EffectNeeds, 'db'>,
  setup: ChainSetup,
  wallets: readonly Wallet[],
): Promise<WalletBalance[]> {
  const read = new Map<string, WalletBalance[]>()
  let left = wallets
  for (let attempt = 1; left.length > 0; attempt += 1) {
    const before = await readBooks(needs, setup, left)
    const seen = await readChain(setup, left, before.hashes)
    const after = await readBooks(needs, setup, left)
    const moved = before.version !== after.version || !seen.still
    for (const wallet of left) read.set(wallet.address, compare(setup, wallet, after, seen))
    left = left.filter(
      ({ address }) =>
        moved &&
        attempt < READ_TRIES &&
        read.get(address)!.some(({ differenceUnits }) => differenceUnits !== 0n),
    )
  }
  return wallets.flatMap(({ address }) => read.get(address)!)
}

interface Books {
  /** By account and asset. */
  ledger: Map<string, bigint>
  /** Attempts of open transactions. */
  hashes: Hex[]
  /** The wallets that pay for their gas. */
  payers: { hash: string; wallet: string }[]
  /** What they carry, out of which door and into which account. */
  carried: { hash: string; door: string; account: string; asset: string; units: bigint }[]
  /** Coins of customers in blocks that were read, and not booked, by address and asset. */
  unbooked: Map<string, bigint>
  /** How far the chain was read for them; null when it isn't. */
  scanHeight: number | null
  version: string
}

const nameOf = (place: string, asset: string): string => `${place} ${asset}`

async function readBooks(
  { db }: Pick<EffectNeeds, 'db'>,
  { chain }: ChainSetup,
  wallets: readonly Wallet[],
): Promise<Books> {
  const doors = wallets.map(({ door }) => door)
  const addresses = wallets.map(({ address }) => address as string)
  const booked = await sql<{ account: string; asset: string; units: bigint }>`
    select account, asset, sum(units) as units from (
      select account, asset, units from balance_checkpoints where account = any(${doors}::text[])
      union all
      select account, asset, units from ${UNSEALED_POSTINGS} p where account = any(${doors}::text[])) entries
     group by account, asset order by account, asset`.execute(db)
  const open = await sql<{
    hash: Hex
    wallet: string
    cancels: boolean
    account: string | null
    asset: string | null
    units: bigint | null
  }>`
    select a.hash, t.wallet, a.cancels, e.account, e.asset, sum(e.units) as units
      from chain_transactions t join chain_attempts a on a.transaction_id = t.id
      join chains c on c.chain = t.chain and c.epoch = t.epoch
      left join effects e on e.transaction_id = t.id
     where t.chain = ${chain} and t.state in ('prepared', 'sent')
       and (t.wallet = any(${addresses}::text[]) or e.account = any(${doors}::text[]))
     group by a.hash, t.wallet, a.cancels, e.account, e.asset order by a.hash, e.account, e.asset`.execute(db)
  const deposits = await sql<{ address: string; asset: string; units: bigint }>`
    select d.address, d.asset, sum(d.units) as units
      from deposits d join chains c on c.chain = d.chain and c.epoch = d.epoch
     where d.chain = ${chain} and d.address = any(${addresses}::text[]) and d.state <> 'vanished' and d.outcome is null
     group by d.address, d.asset order by d.address, d.asset`.execute(db)
  const scan = await db
    .selectFrom('chainScans')
    .select('height')
    .where('chain', '=', chain)
    .executeTakeFirst()
  const carried = open.rows.flatMap(({ hash, wallet, cancels, account, asset, units }) =>
    asset === null || cancels
      ? []
      : [{ hash, door: walletDoor(chain, wallet), account: account!, asset, units: units! }],
  )
  return {
    ledger: new Map(booked.rows.map(({ account, asset, units }) => [nameOf(account, asset), units])),
    hashes: [...new Set(open.rows.map(({ hash }) => hash))],
    payers: open.rows.map(({ hash, wallet }) => ({ hash, wallet })),
    carried,
    unbooked: new Map(deposits.rows.map(({ address, asset, units }) => [nameOf(address, asset), units])),
    scanHeight: scan?.height ?? null,
    version: [booked, open, deposits]
      .map(({ rows }) => rows.map((row) => Object.values(row).join(' ')).join())
      .join('|'),
  }
}

interface Seen {
  /** By address and asset; of the assets that the chain has. */
  balances: Map<string, bigint>
  assets: string[]
  /** Receipts of the open transactions that are in blocks. */
  mined: Map<string, { ok: boolean; gasUnits: bigint }>
  height: number
  still: boolean
}

async function readChain(
  setup: ChainSetup,
  wallets: readonly Wallet[],
  hashes: readonly Hex[],
): Promise<Seen> {
  const { provider, tokens, chain } = setup
  const native = nativeAssetOf(chain)
  const assets = COIN_ASSETS.filter(
    (asset) => asset.chain === chain && (asset.id === native.id || tokens[asset.symbol]),
  )
  const places = wallets.flatMap(({ address }) => assets.map((asset) => ({ address, asset })))
  const before = await provider.heads()
  const balances = await provider.balances(
    places.map(({ address, asset: { id, symbol } }) => ({
      address,
      token: id === native.id ? null : tokens[symbol]!,
    })),
  )
  const receipts = await provider.receipts(hashes)
  const after = await provider.heads()
  return {
    balances: new Map(
      places.map(({ address, asset }, index) => [nameOf(address, asset.id), balances[index]!]),
    ),
    assets: assets.map(({ id }) => id),
    mined: new Map(receipts.flatMap((receipt) => (receipt ? [[receipt.hash, receipt]] : []))),
    height: after.latest.height,
    still: before.latest.hash === after.latest.hash,
  }
}

function compare(
  { chain }: ChainSetup,
  { address, door, isDeposit }: Wallet,
  books: Books,
  seen: Seen,
): WalletBalance[] {
  const native = nativeAssetOf(chain).id
  return seen.assets.map((asset) => {
    let leavingUnits = 0n
    let arrivingUnits = books.unbooked.get(nameOf(address, asset)) ?? 0n
    for (const one of books.carried) {
      if (one.asset !== asset || !seen.mined.get(one.hash)?.ok) continue
      if (one.door === door) leavingUnits += one.units
      if (one.account === door) arrivingUnits += one.units
    }
    if (asset === native) {
      const own = new Set(books.payers.filter(({ wallet }) => wallet === address).map(({ hash }) => hash))
      for (const hash of own) leavingUnits += seen.mined.get(hash)?.gasUnits ?? 0n
    }
    const ledgerUnits = books.ledger.get(nameOf(door, asset)) ?? 0n
    const chainUnits = seen.balances.get(nameOf(address, asset))!
    const unexplained = chainUnits - (ledgerUnits - leavingUnits + arrivingUnits)
    // Blocks that were not read may hold more that came: it is a difference once they were.
    const isUnread = isDeposit && unexplained > 0n && (books.scanHeight ?? -1) < seen.height
    if (isUnread) arrivingUnits += unexplained
    return {
      chain,
      address,
      door,
      asset,
      ledgerUnits,
      leavingUnits,
      arrivingUnits,
      chainUnits,
      differenceUnits: isUnread ? 0n : unexplained,
    }
  })
}
