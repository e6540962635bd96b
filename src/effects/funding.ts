import { sql } from 'kysely'
import type { Address } from 'viem'
import { recordAudit } from '../common/integration-store.ts'
import { newUuid } from '../kernel/ids.ts'
import { balanceOf, bookAll } from '../ledger/book.ts'
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
  chainUnits: bigint
  /** chain − (ledger − leaving): more than 0 came without our knowing, less than 0 went. */
  differenceUnits: bigint
}

/** How often the books are read again when they move while the chain is asked. */
const READ_TRIES = 5

/** The wallets of a chain, books against chain at its newest block. */
export async function readWalletBalances(
  needs: Pick<EffectNeeds, 'db'>,
  setup: ChainSetup,
): Promise<WalletBalance[]> {
  const wallets = await needs.db.selectFrom('wallets').selectAll().where('chain', '=', setup.chain).execute()
  const balances: WalletBalance[] = []
  for (const { address } of wallets) balances.push(...(await readWallet(needs, setup, address as Address)))
  return balances
}

async function readWallet(
  needs: Pick<EffectNeeds, 'db'>,
  setup: ChainSetup,
  address: Address,
): Promise<WalletBalance[]> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await readBooks(needs, setup, address)
    const seen = await readChain(setup, address, before.hashes)
    const after = await readBooks(needs, setup, address)
    if (attempt < READ_TRIES && (before.version !== after.version || !seen.still)) continue
    return compare(setup, address, after, seen)
  }
}

interface Books {
  ledger: Map<string, bigint>
  /** Open transactions: their attempts, and what each carries. */
  hashes: string[]
  carried: { hash: string; asset: string; units: bigint }[]
  version: string
}

async function readBooks(
  { db }: Pick<EffectNeeds, 'db'>,
  { chain }: ChainSetup,
  address: string,
): Promise<Books> {
  const door = walletDoor(chain, address)
  const assets = COIN_ASSETS.filter((asset) => asset.chain === chain)
  const ledger = await Promise.all(assets.map(async ({ id }) => [id, await balanceOf(db, door, id)] as const))
  const open = await sql<{ hash: string; cancels: boolean; asset: string | null; units: bigint | null }>`
    select a.hash, a.cancels, e.asset, sum(e.units) as units
      from chain_transactions t join chain_attempts a on a.transaction_id = t.id
      join chains c on c.chain = t.chain and c.epoch = t.epoch
      left join effects e on e.transaction_id = t.id
     where t.chain = ${chain} and t.wallet = ${address} and t.state in ('prepared', 'sent')
     group by a.hash, a.cancels, e.asset order by a.hash, e.asset`.execute(db)
  const carried = open.rows.flatMap(({ hash, cancels, asset, units }) =>
    asset === null || cancels ? [] : [{ hash, asset, units: units! }],
  )
  const hashes = [...new Set(open.rows.map(({ hash }) => hash))]
  const version = JSON.stringify([ledger.map(([id, units]) => `${id}=${units}`), hashes])
  return { ledger: new Map(ledger), hashes, carried, version }
}

interface Seen {
  balances: Map<string, bigint>
  /** Receipts of the open transactions that are in blocks. */
  gas: Map<string, { ok: boolean; gasUnits: bigint }>
  still: boolean
}

async function readChain(setup: ChainSetup, address: Address, hashes: readonly string[]): Promise<Seen> {
  const { provider, tokens, chain } = setup
  const native = nativeAssetOf(chain)
  const assets = COIN_ASSETS.filter(
    (asset) => asset.chain === chain && (asset.id === native.id || tokens[asset.symbol]),
  )
  const before = await provider.heads()
  const balances = await provider.balances(
    assets.map(({ id, symbol }) => ({ address, token: id === native.id ? null : tokens[symbol]! })),
  )
  const receipts = await provider.receipts(hashes as `0x${string}`[])
  const after = await provider.heads()
  return {
    balances: new Map(assets.map(({ id }, index) => [id, balances[index]!])),
    gas: new Map(receipts.flatMap((receipt) => (receipt ? [[receipt.hash, receipt]] : []))),
    still: before.latest.hash === after.latest.hash,
  }
}

function compare(setup: ChainSetup, address: string, books: Books, seen: Seen): WalletBalance[] {
  const { chain } = setup
  const native = nativeAssetOf(chain).id
  return [...seen.balances].map(([asset, chainUnits]) => {
    let leavingUnits = 0n
    for (const one of books.carried) {
      if (one.asset === asset && seen.gas.get(one.hash)?.ok) leavingUnits += one.units
    }
    if (asset === native) for (const { gasUnits } of seen.gas.values()) leavingUnits += gasUnits
    const ledgerUnits = books.ledger.get(asset) ?? 0n
    const differenceUnits = chainUnits - (ledgerUnits - leavingUnits)
    return {
      chain,
      address,
      door: walletDoor(chain, address),
      asset,
      ledgerUnits,
      leavingUnits,
      chainUnits,
      differenceUnits,
    }
  })
}

/** How often it is looked again when the books move between looking and booking. */
const BOOK_TRIES = 5

/**
 * Books what came into the hot wallets of a chain from outside as funding by the treasury, and answers it. What is
 * missing is booked as a loss only when told so: it is for a person to explain.
 */
export async function recordFunding(
  needs: Pick<EffectNeeds, 'db' | 'clock'>,
  setup: ChainSetup,
  change: { who: string; why: string; writeOff?: boolean },
): Promise<WalletBalance[]> {
  const booked: WalletBalance[] = []
  for (let attempt = 0; attempt < BOOK_TRIES; attempt += 1) {
    const differing = (await readWalletBalances(needs, setup)).filter(({ differenceUnits }) =>
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
