import type { App } from '../app.ts'
import { beginScan } from '../effects/chain-scans.ts'
import type { Lane } from '../kernel/lanes.ts'
import type { BlockRef, ChainProvider } from '../providers/chain/port.ts'
import type { ChainSetup } from '../providers/chain/setup.ts'
import { type Confirming, confirmDeposits } from './confirm-deposits.ts'
import { readBlocks } from './read-blocks.ts'
import { SALE_DEADLINES_LANE, SALE_DEPOSITS_LANE } from './sale-lanes.ts'
import {
  findScan,
  findUnreadDeadline,
  recordHold,
  recordRead,
  recordReadUntil,
  type Scan,
} from './scan-store.ts'
import { createBalanceWatch } from './watch-balances.ts'

export type WatchNeeds = Pick<App, 'db' | 'clock' | 'log' | 'wake'> & {
  metrics: Pick<App['metrics'], 'depositsBehind'>
}

/** What is asked of a node. */
export type BlockReader = Pick<
  ChainProvider,
  | 'identify'
  | 'heads'
  | 'blocks'
  | 'receipts'
  | 'transfersIn'
  | 'transfersBetween'
  | 'nativeBalancesAt'
  | 'transactionCounts'
>

/** What is watched of a chain: it is read through `provider`, and `witness` must agree before anything is final. */
export interface WatchedChain extends Pick<ChainSetup, 'chain' | 'confirmations' | 'tokens'> {
  provider: BlockReader
  witness?: Pick<BlockReader, 'blocks' | 'receipts' | 'nativeBalancesAt'> | null
  /** Its node is ours alone: it never lags behind what it said. */
  isLocal: boolean
}

export const depositsLaneOf = (chain: string): string => `deposits:${chain}`

/** How often the node of a chain is asked for new blocks, in real time; our own miner tells of each. */
const LOOK_MS = 1_000
/** A node that is behind for so long, in real time, is worth an alarm. */
const BEHIND_ALARM_MS = 60_000
const NODE_BEHIND = 'node_behind:'

/** One lane for each chain, so that a dead node delays no other chain. */
export function depositLanes(
  app: WatchNeeds & { providers: Pick<App['providers'], 'chains' | 'sandboxChains'> },
): Lane[] {
  const { chains, sandboxChains } = app.providers
  const local = new Set(sandboxChains.map(({ chain }) => chain))
  return [...chains.values()].map((setup) => ({
    name: depositsLaneOf(setup.chain),
    step: createDepositWatch(app, { ...setup, isLocal: local.has(setup.chain) }),
    nextDue: () => nextSeen(app, setup.chain),
    pollMs: LOOK_MS,
  }))
}

/** Coins that were seen and aren't final, and sales that can't be closed unread: a clock that is moved waits for them. */
async function nextSeen({ db, clock }: WatchNeeds, chain: string): Promise<Date | null> {
  const row = await db
    .selectFrom('deposits')
    .innerJoin('chainScans', (join) =>
      join
        .onRef('chainScans.chain', '=', 'deposits.chain')
        .onRef('chainScans.epoch', '=', 'deposits.epoch')
        .on('chainScans.heldReason', 'is', null),
    )
    .select('deposits.firstSeenAt')
    .where('deposits.chain', '=', chain)
    .where('deposits.state', '=', 'seen')
    .limit(1)
    .executeTakeFirst()
  return row?.firstSeenAt ?? findUnreadDeadline(db, chain, clock.now())
}

/**
 * Reads the blocks of one chain in order and keeps its deposits. A step reads one batch, writes it in one transaction,
 * and makes final what is deep enough. Several processes may do this at once: what one of them wrote, the others find
 * written. In memory it keeps only what saves questions.
 */
export function createDepositWatch(needs: WatchNeeds, watched: WatchedChain): () => Promise<number> {
  const { db, clock, log } = needs
  const { chain } = watched
  const lookAtBalances = createBalanceWatch(needs, watched)
  let doneWith = ''
  let nodeBehindSinceMs: number | null = null
  let secondBehindSinceMs: number | null = null
  const nowMs = (): number => clock.real().getTime()

  return async () => {
    const found = await findScan(db, chain)
    if (!found) return beginIfKnown(needs, watched)
    // Unless it is said again, whatever comes of this look.
    const behindSinceMs = nodeBehindSinceMs
    nodeBehindSinceMs = null
    const askedAt = clock.now()
    const { latest } = await watched.provider.heads()
    needs.metrics.depositsBehind.set({ chain }, latest.height - found.height)
    const place = `${found.epoch} ${found.height} ${found.hash} ${latest.hash}`
    if (place === doneWith) {
      await noteRead(found, latest, askedAt)
      return 0
    }
    const reading = await readBlocks(needs, watched, found, latest)
    if (reading.is === 'behind') {
      nodeBehindSinceMs = behindSinceMs ?? nowMs()
      if (nowMs() - nodeBehindSinceMs >= BEHIND_ALARM_MS) await holdBehind(found, reading.why)
      return 0
    }
    if (reading.is === 'held') {
      await hold(found, reading.reason)
      return 0
    }
    const scan = await releaseBehind(found)
    const { base, blocks, deposits } = reading.read
    const moved = blocks.length > 0 || base.height < scan.height
    const written = moved ? await recordRead(db, scan, reading.read, clock.now()) : { scan, vanished: 0 }
    // Another process was faster: there may be more to do after what it did.
    if (!written) return 1
    if (base.height < scan.height) {
      const facts = { chain, from: scan.height, base: base.height, vanished: written.vanished }
      log.warn(facts, 'The chain was reorganised; blocks are read again from where it forked.')
    }
    const confirming = await confirmDeposits(needs, watched, written.scan, latest)
    const final = await noteConfirming(scan, confirming)
    const isRead = written.scan.height >= latest.height
    const look = isRead ? await lookAtBalances(written.scan) : null
    if (look?.isDone) await noteRead(written.scan, latest, askedAt)
    if (look?.isDone && confirming.is === 'done' && !confirming.more)
      doneWith = `${scan.epoch} ${written.scan.height} ${written.scan.hash} ${latest.hash}`
    return deposits.length + written.vanished + final + (look ? look.found : 1)
  }

  /**
   * Sales are closed only when what came in time was read. Our own chain makes blocks on demand, and was read up to the
   * moment in which it was asked; a node of another may lag behind its chain, so its newest block's time counts.
   */
  async function noteRead(at: Scan, latest: BlockRef, askedAt: Date): Promise<void> {
    const until = watched.isLocal ? askedAt : new Date(latest.time.getTime() + clock.offsetMs())
    if (await recordReadUntil(db, at, until)) needs.wake(SALE_DEADLINES_LANE)
  }

  /** Wakes who works with final deposits, and says it aloud when nothing can become final. */
  async function noteConfirming(scan: Scan, confirming: Confirming): Promise<number> {
    if (confirming.is === 'waiting') return 0
    if (confirming.is === 'disagree') {
      await hold(scan, confirming.reason)
      return 0
    }
    if (confirming.is === 'behind') {
      secondBehindSinceMs ??= nowMs()
      if (nowMs() - secondBehindSinceMs >= BEHIND_ALARM_MS)
        await hold(scan, `second_node_behind: it has no block ${confirming.height} yet`)
      return 0
    }
    secondBehindSinceMs = null
    await release(scan)
    if (confirming.final > 0) needs.wake(SALE_DEPOSITS_LANE)
    return confirming.final
  }

  /** What waits for a person says more than that the node lacks blocks; and those it lacks may be others each time. */
  async function holdBehind(scan: Scan, why: string): Promise<void> {
    const isTold =
      scan.heldReason?.startsWith(NODE_BEHIND) || scan.heldReason?.startsWith('deep_reorganisation')
    if (!isTold) await hold(scan, `${NODE_BEHIND} ${why}`)
  }

  async function releaseBehind(scan: Scan): Promise<Scan> {
    if (!scan.heldReason?.startsWith(NODE_BEHIND)) return scan
    await release(scan)
    return { ...scan, heldReason: null }
  }

  async function hold(scan: Scan, reason: string): Promise<void> {
    // Nothing is done with before it was released.
    doneWith = ''
    if (scan.heldReason === reason) return
    if (await recordHold(db, scan, reason, clock.now()))
      log.error({ chain, reason }, 'No deposit becomes final on this chain.')
  }

  async function release(scan: Scan): Promise<void> {
    if (scan.heldReason === null) return
    if (await recordHold(db, scan, null, clock.now()))
      log.info({ chain, was: scan.heldReason }, 'Deposits become final again on this chain.')
  }
}

/** A chain that was written down before deposits were watched, and whose node did not answer at the start. */
async function beginIfKnown({ db, clock }: WatchNeeds, { chain, provider }: WatchedChain): Promise<number> {
  const known = await db
    .selectFrom('chains')
    .select(['epoch', 'genesisHash'])
    .where('chain', '=', chain)
    .executeTakeFirst()
  if (!known || (await provider.identify()).genesisHash !== known.genesisHash) return 0
  await beginScan(db, { chain, epoch: known.epoch, provider }, clock.now())
  return 1
}
