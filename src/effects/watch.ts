import type { Address, Hex } from 'viem'
import type { BlockRef, Receipt } from '../providers/chain/port.ts'
import type { ChainSetup } from '../providers/chain/setup.ts'
import { haltDoor } from './doors.ts'
import type { Market } from './fees.ts'
import { type EffectNeeds, lanesOfChain, walletDoor } from './model.ts'
import { type FinalTransaction, settleTransactions } from './settle.ts'
import { judge, receiptOf, type Sight, type Verdict } from './verdict.ts'
import {
  listWatched,
  recordCheckpoint,
  recordInclusions,
  recordLost,
  recordStuck,
  type WatchedRow,
} from './watch-store.ts'

const WATCH_AT_ONCE = 300
/** Most effects whose end is recorded in one transaction; a batch carries up to a hundred. */
const SETTLE_AT_ONCE = 8
/** How often the node is asked for waiting transactions and fees, and looked at though no block came. */
const ASK_EVERY_MS = 2_000

/** Watches the transactions of one chain until they are final. Keeps in memory only what saves questions. */
export function createWatch(needs: EffectNeeds, setup: ChainSetup): () => Promise<number> {
  const { db, clock, settings } = needs
  /** When a nonce was first seen used by somebody else. */
  const foreignSince = new Map<number, number>()
  let lastHead = ''
  let lastAskedMs = -Infinity

  return async () => {
    let open = await listWatched(db, setup.chain, { limit: WATCH_AT_ONCE })
    if (open.length === 0) return 0
    const { latest } = await setup.provider.heads()
    const nowMs = clock.real().getTime()
    const ask = nowMs - lastAskedMs >= ASK_EVERY_MS
    if (latest.hash === lastHead && !ask) return 0
    let settled = 0
    while (open.length > 0) {
      const sights = await look(setup, open, latest, ask)
      if (!sights) return settled
      const judged = open.map((row, index) => ({
        row,
        verdict: judge(watchedOf(row, nowMs), sights[index]!, {
          confirmations: setup.confirmations,
          stuckAfterMs: settings.stuckAfterMs,
        }),
      }))
      await recordSeen(needs, setup, judged)
      settled += await settleFinal(needs, setup, judged)
      await haltForeign(judged, nowMs)
      if (open.length < WATCH_AT_ONCE) break
      open = await listWatched(db, setup.chain, { limit: WATCH_AT_ONCE, after: open.at(-1)!.id })
    }
    lastHead = latest.hash
    if (ask) lastAskedMs = nowMs
    return settled
  }

  /** Nodes may lag behind each other; only a nonce that stays taken by none of ours halts the wallet. */
  async function haltForeign(judged: readonly Judged[], nowMs: number): Promise<void> {
    for (const { row, verdict } of judged) {
      if (verdict.is !== 'foreign') foreignSince.delete(row.id)
      else if (!foreignSince.has(row.id)) foreignSince.set(row.id, nowMs)
      if (nowMs - (foreignSince.get(row.id) ?? Infinity) < settings.foreignAfterMs) continue
      foreignSince.delete(row.id)
      const ours = row.hashes.join(' or ')
      const reason = `foreign_transaction: nonce ${row.nonce} of ${row.wallet} was used by a transaction that is none of ours (ours was ${ours})`
      await haltDoor(db, needs, walletDoor(setup.chain, row.wallet), reason)
    }
  }
}

interface Judged {
  row: WatchedRow
  verdict: Verdict
}

const watchedOf = (row: WatchedRow, nowMs: number) => ({
  ...row,
  fees: { maxFeePerGas: row.maxFeePerGas, maxPriorityFeePerGas: row.maxPriorityFeePerGas },
  ageMs: nowMs - row.realCreatedAt.getTime(),
})

/** What the chain says of each; null when the node has another chain than the one they were sent to. */
async function look(
  setup: ChainSetup,
  open: readonly WatchedRow[],
  latest: BlockRef,
  ask: boolean,
): Promise<Sight[] | null> {
  const { provider } = setup
  const [{ genesisHash }, next, market] = await Promise.all([
    provider.identify(),
    readNonces(
      setup,
      open.filter(({ role }) => role === 'hot'),
    ),
    ask ? provider.fees() : undefined,
  ])
  if (open.some((row) => row.genesisHash !== genesisHash)) return null
  const isMined = (row: WatchedRow): boolean => row.nonce < (next.get(row.wallet) ?? Infinity)
  const mined = open.filter((row) => isMined(row) || row.blockHash !== null)
  const receipts = await readReceipts(
    setup,
    mined.flatMap(({ hashes }) => hashes),
  )
  // Addresses for deposits are as many as their transactions: only those in no block are asked for their count.
  const missing = open.filter(
    ({ role, hashes }) => ask && role === 'deposit' && receiptOf(hashes, receipts) === null,
  )
  for (const [wallet, count] of await readNonces(setup, missing)) next.set(wallet, count)
  const waiting = ask ? open.filter((row) => !isMined(row)) : []
  const known = await readKnown(setup, waiting)
  return open.map((row) => ({
    receipt: receiptOf(row.hashes, receipts),
    latestHeight: latest.height,
    nextOnChain: next.get(row.wallet) ?? 0,
    known: known.get(row.id),
    market: market as Market | undefined,
  }))
}

async function readNonces(setup: ChainSetup, rows: readonly WatchedRow[]): Promise<Map<Address, number>> {
  const wallets = [...new Set(rows.map(({ wallet }) => wallet))]
  const counts = await setup.provider.transactionCounts(wallets)
  return new Map(wallets.map((wallet, index) => [wallet, counts[index]!]))
}

async function readReceipts(setup: ChainSetup, hashes: readonly Hex[]): Promise<Map<Hex, Receipt>> {
  const receipts = await setup.provider.receipts(hashes)
  return new Map(receipts.flatMap((receipt) => (receipt ? [[receipt.hash, receipt]] : [])))
}

async function readKnown(setup: ChainSetup, rows: readonly WatchedRow[]): Promise<Map<number, boolean>> {
  const known = await setup.provider.transactions(rows.map(({ hashes }) => hashes.at(-1)!))
  return new Map(rows.map(({ id }, index) => [id, known[index] !== null]))
}

async function recordSeen(needs: EffectNeeds, setup: ChainSetup, judged: readonly Judged[]): Promise<void> {
  const now = needs.clock.now()
  const included = judged.flatMap(({ row, verdict }) => {
    if (verdict.is !== 'included') return []
    const { hash, height, blockHash, gasUnits } = verdict.receipt
    return [{ id: row.id, hash, height, blockHash, gasUnits }]
  })
  const lost = judged.flatMap(({ row, verdict }) => {
    if (verdict.is === 'reorganised')
      return [{ id: row.id, reason: 'reorganised: its block is no longer on the chain; sent again' }]
    if (verdict.is === 'dropped') return [{ id: row.id, reason: 'dropped: the node forgot it; sent again' }]
    return []
  })
  const stuck = judged.flatMap(({ row, verdict }) => (verdict.is === 'stuck' ? [row.id] : []))
  await recordInclusions(needs.db, included, now)
  await recordLost(needs.db, lost, now)
  await recordStuck(needs.db, stuck, now)
  const lanes = lanesOfChain(setup.chain)
  if (lost.length > 0) needs.wake(lanes.send)
  if (stuck.length > 0) needs.wake(lanes.prepare)
}

async function settleFinal(
  needs: EffectNeeds,
  setup: ChainSetup,
  judged: readonly Judged[],
): Promise<number> {
  const final = judged.flatMap(({ row, verdict }): FinalTransaction[] => {
    if (verdict.is !== 'final') return []
    const attempt = row.hashes.indexOf(verdict.receipt.hash)
    return [{ id: row.id, receipt: verdict.receipt, cancelled: row.cancels[attempt] ?? false }]
  })
  for (let start = 0; start < final.length; start += SETTLE_AT_ONCE) {
    await settleTransactions(needs, setup, final.slice(start, start + SETTLE_AT_ONCE))
  }
  const newest = final.reduce<Receipt | null>(
    (best, { receipt }) => (best && best.height >= receipt.height ? best : receipt),
    null,
  )
  if (newest) {
    const { height, blockHash } = newest
    const checkpoint = { chain: setup.chain, epoch: judged[0]!.row.epoch, height, hash: blockHash }
    await recordCheckpoint(needs.db, checkpoint, needs.clock.now())
  }
  return final.length
}
