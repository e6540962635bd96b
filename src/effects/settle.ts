import { sql } from 'kysely'
import type { Address } from 'viem'
import type { Trx } from '../db/database.ts'
import { bookAll } from '../ledger/book.ts'
import { nativeAssetOf } from '../money/asset.ts'
import type { Receipt } from '../providers/chain/port.ts'
import type { ChainSetup } from '../providers/chain/setup.ts'
import { type EffectEnd, endEffects } from './end-effects.ts'
import { type EffectNeeds, lanesOfChain, walletDoor } from './model.ts'
import { addOutflows, dayOf } from './reserve-store.ts'
import { lockOpenTransactions } from './transaction-store.ts'

/** A transaction as deep as asked. */
export interface FinalTransaction {
  id: number
  receipt: Receipt
  /** What is in the block is the empty transfer that only consumes the nonce. */
  cancelled: boolean
}

interface SettledRow {
  id: number
  wallet: Address
  kind: 'single' | 'batch' | 'approve'
  state: 'confirmed' | 'failed' | 'abandoned'
  createdAt: Date
  receipt: Receipt
}

interface MemberRow {
  id: string
  transactionId: number
  asset: string
  units: bigint
  door: string
  givenUp: 'planned' | 'cancelled' | null
}

/**
 * Records the end of transactions, all in one database transaction: gas, the effects they carried with their ledger
 * entries, and what the rooms do about it. Another process that does the same at once does the rest.
 */
export async function settleTransactions(
  needs: EffectNeeds,
  setup: ChainSetup,
  final: readonly FinalTransaction[],
): Promise<void> {
  const lanes = await needs.db.transaction().execute(async (trx) => {
    const locked = await lockOpenTransactions(
      trx,
      final.map(({ id }) => id),
    )
    const own = final.filter(({ id }) => locked.has(id))
    if (own.length === 0) return []
    const settled = await recordFinal(trx, own, needs.clock.now())
    const members = await lockMembers(
      trx,
      settled.map(({ id }) => id),
    )
    await bookGas(trx, needs, setup, settled)
    const { lanes, anew } = await settleMembers(trx, needs, settled, members)
    return anew ? [...lanes, lanesOfChain(setup.chain).dispatch] : lanes
  })
  needs.wake(...lanes)
}

async function recordFinal(trx: Trx, final: readonly FinalTransaction[], now: Date): Promise<SettledRow[]> {
  const stateOf = ({ receipt, cancelled }: FinalTransaction): string => {
    if (cancelled) return 'abandoned'
    return receipt.ok ? 'confirmed' : 'failed'
  }
  const { rows } = await sql<Omit<SettledRow, 'receipt'>>`
    update chain_transactions t
       set state = given.state, hash = given.hash, block_height = given.height, block_hash = given.block_hash,
           gas_units = given.gas, reason = null, due_at = null, lease_until = null, wanted_attempts = attempts,
           updated_at = ${now}
      from unnest(${final.map(({ id }) => id)}::bigint[], ${final.map(stateOf)}::text[],
                  ${final.map(({ receipt }) => receipt.hash)}::text[],
                  ${final.map(({ receipt }) => receipt.height)}::bigint[],
                  ${final.map(({ receipt }) => receipt.blockHash)}::text[],
                  ${final.map(({ receipt }) => receipt.gasUnits.toString())}::numeric[])
           given (id, state, hash, height, block_hash, gas)
     where t.id = given.id
    returning t.id, t.wallet, t.kind, t.state, t.created_at`.execute(trx)
  const receipts = new Map(final.map(({ id, receipt }) => [id, receipt]))
  return rows.map((row) => ({ ...row, receipt: receipts.get(row.id)! }))
}

export async function lockMembers(trx: Trx, transactionIds: readonly number[]): Promise<MemberRow[]> {
  const { rows } = await sql<MemberRow>`
    select id, transaction_id, asset, units, door, given_up from effects
     where transaction_id = any(${[...transactionIds]}::bigint[]) and state = 'reserved'
     order by id for update`.execute(trx)
  return rows
}

async function bookGas(
  trx: Trx,
  needs: EffectNeeds,
  { chain }: ChainSetup,
  settled: readonly SettledRow[],
): Promise<void> {
  const asset = nativeAssetOf(chain).id
  await bookAll(
    trx,
    settled.map(({ wallet, receipt }) => ({
      kind: 'gas',
      purpose: `gas:${chain}:${receipt.hash}`,
      integrationId: null,
      reference: receipt.hash,
      at: needs.clock.now(),
      postings: [
        { account: `gas:${chain}`, asset, units: receipt.gasUnits },
        { account: walletDoor(chain, wallet), asset, units: -receipt.gasUnits },
      ],
    })),
  )
}

async function settleMembers(
  trx: Trx,
  needs: EffectNeeds,
  settled: readonly SettledRow[],
  members: readonly MemberRow[],
): Promise<{ lanes: string[]; anew: boolean }> {
  const carriers = new Map(settled.map((row) => [row.id, row]))
  const shares = gasShares(settled, members)
  const ends: EffectEnd[] = []
  const anew: { id: string; reason: string }[] = []
  const stayed: MemberRow[] = []
  for (const member of members) {
    const carrier = carriers.get(member.transactionId)!
    const { hash } = carrier.receipt
    const share = shares.get(member.id)!
    if (carrier.state === 'confirmed') {
      ends.push({ id: member.id, state: 'confirmed', txid: hash, reason: null, gasUnits: share })
      continue
    }
    stayed.push(member)
    if (carrier.state === 'abandoned' && member.givenUp === 'cancelled') {
      ends.push({
        id: member.id,
        state: 'cancelled',
        txid: null,
        reason: 'given up by an operator',
        gasUnits: null,
      })
    } else if (carrier.state === 'abandoned') {
      anew.push({ id: member.id, reason: `its transaction was cancelled by ${hash}` })
    } else if (carrier.kind === 'batch') {
      anew.push({ id: member.id, reason: `its batch ${hash} was reverted; it goes out by itself` })
    } else {
      ends.push({
        id: member.id,
        state: 'failed',
        txid: null,
        reason: `reverted on the chain: ${hash}`,
        gasUnits: share,
      })
    }
  }
  const now = needs.clock.now()
  await planAnew(trx, anew, now)
  await addOutflows(
    trx,
    stayed.map(({ transactionId, door, asset, units }) => ({
      door,
      asset,
      units: -units,
      day: dayOf(carriers.get(transactionId)!.createdAt),
    })),
  )
  return { lanes: await endEffects(trx, needs, ends), anew: anew.length > 0 }
}

/** Each member's part of its transaction's gas; the first bears what can't be divided. */
function gasShares(settled: readonly SettledRow[], members: readonly MemberRow[]): Map<string, bigint> {
  const shares = new Map<string, bigint>()
  const byCarrier = Map.groupBy(members, ({ transactionId }) => transactionId)
  for (const { id, receipt } of settled) {
    const own = byCarrier.get(id) ?? []
    const count = BigInt(own.length)
    own.forEach((member, index) => {
      const rest = index === 0 ? receipt.gasUnits % count : 0n
      shares.set(member.id, receipt.gasUnits / count + rest)
    })
  }
  return shares
}

/** Puts locked effects back to the beginning: each goes out by itself. */
export async function planAnew(
  trx: Trx,
  effects: readonly { id: string; reason: string }[],
  now: Date,
): Promise<void> {
  if (effects.length === 0) return
  await sql`
    update effects
       set state = 'planned', transaction_id = null, single = true, given_up = null, attempts = 0,
           reason = given.reason, due_at = ${now}, updated_at = ${now}
      from unnest(${effects.map(({ id }) => id)}::text[], ${effects.map(({ reason }) => reason)}::text[]) given (id, reason)
     where effects.id = given.id`.execute(trx)
}
