import { getAddress, type Hex, isHex } from 'viem'
import { recordAudit } from '../common/integration-store.ts'
import type { Trx } from '../db/database.ts'
import type { EffectsTable } from '../db/schema.ts'
import { randomText } from '../kernel/ids.ts'
import { bookAll } from '../ledger/book.ts'
import { nativeAssetOf } from '../money/asset.ts'
import { depthOf, type Receipt } from '../providers/chain/port.ts'
import type { ChainSetup } from '../providers/chain/setup.ts'
import { endEffects } from './end-effects.ts'
import { type EffectNeeds, laneOfEffect, lanesOfChain } from './model.ts'
import { askProvider, isBeingAsked, isDebitRead, type ProviderWord } from './order-word.ts'
import { SAID_BY_BANK } from './payout-ports.ts'
import { takeBackOutflow } from './payout-store.ts'
import { planAnew } from './settle.ts'
import { type FiledOrder, lockFiledOrder, withdrawOrders } from './withdraw-order.ts'

/** Who changes something and why; both are recorded. */
export interface Change {
  who: string
  why: string
}

/** What an operator asked for can't be done; the message says why and is made to be shown. */
export class RefusedOperation extends Error {}

export interface EffectRow {
  id: string
  kind: EffectsTable['kind']
  state: EffectsTable['state']
  door: string
  asset: string
  units: bigint
  reason: string | null
  transactionId: number | null
  destinationSealed: Buffer
  idempotencyKey: string
}

const RETRIED_COINS: ReadonlySet<string> = new Set(['planned', 'failed', 'unknown'])
/** An order at a provider may be asked about at any time. */
const RETRIED_ORDERS: ReadonlySet<string> = new Set(['planned', 'prepared', 'sent', 'failed', 'unknown'])

/**
 * Plans an effect anew that failed, or of which nobody knew the end and the operator found out that it never left; one
 * that waits is looked at now. Of an order at a bank or card provider the provider is asked first.
 */
export async function retryEffect(needs: EffectNeeds, id: string, change: Change): Promise<void> {
  const effect = await needs.db.transaction().execute(async (trx) => {
    const effect = await lockEffect(trx, id)
    const states = effect.kind === 'coin_transfer' ? RETRIED_COINS : RETRIED_ORDERS
    if (!states.has(effect.state)) {
      throw new RefusedOperation(
        `Effect ${id} is ${effect.state}; only one that failed, is unknown or waits can be tried again.`,
      )
    }
    await refuseToldOf(trx, effect)
    const now = needs.clock.now()
    // Its key changes: a bank that pays the old order after all is known by the one that is written here.
    const order = effect.kind === 'coin_transfer' ? undefined : effect.idempotencyKey
    await auditEffect(trx, needs, change, { action: 'effect.retry', effect, after: 'tried again', order })
    const reason = `tried again by ${change.who}`
    if (effect.kind === 'coin_transfer') await planAnew(trx, [{ id, reason }], now)
    else await orderAgain(trx, effect, reason, now)
    return effect
  })
  needs.wake(laneOfEffect(effect.kind, effect.asset))
}

/** Of an order that ended by the bank's word its key must stay known: the bank's line of it may still come. */
async function refuseToldOf(trx: Trx, { id, kind, state, reason }: EffectRow): Promise<void> {
  if (kind === 'coin_transfer' || state !== 'failed') return
  if (reason?.startsWith(SAID_BY_BANK) || (await isDebitRead(trx, id))) {
    throw new RefusedOperation(
      `Effect ${id} failed by the bank's word: pay anew with "sale pay-again", or "effects cancel" it and refund again.`,
    )
  }
}

/**
 * A refused order begins anew under another key, as the provider would answer the old one's refusal; one of which the
 * end is unknown is asked about first, under its own.
 */
async function orderAgain(trx: Trx, { id, state }: EffectRow, reason: string, now: Date): Promise<void> {
  const anew =
    state === 'failed' ? { state: 'planned' as const, idempotencyKey: randomText(25), providerRef: null } : {}
  await trx
    .updateTable('effects')
    .set({ ...anew, reason, attempts: 0, dueAt: now, updatedAt: now })
    .where('id', '=', id)
    .execute()
}

/**
 * Gives an effect up. One that never left ends as `cancelled` at once. Coins that are on their way, but in no block,
 * get their nonce consumed by an empty transfer; once something is final under it, the effect becomes what `become`
 * says, the others of its transaction are planned anew; if the coins were faster, it is confirmed. An order that waits
 * for a file is taken out of the queue, or is in a file already. Answers whether it is over already.
 */
export async function cancelEffect(
  needs: EffectNeeds,
  id: string,
  { become, ...change }: Change & { become: 'cancelled' | 'planned' },
): Promise<{ over: boolean }> {
  const asked = await findEffect(needs.db, id)
  const isDoubted = asked.kind !== 'coin_transfer' && asked.state === 'unknown'
  const word = isDoubted ? await askProvider(needs, asked) : undefined
  const { lanes, over } = await needs.db.transaction().execute(async (trx) => {
    const { transactionId, idempotencyKey } = await findEffect(trx, id)
    // Transactions are locked before their effects, everywhere.
    const carrier = transactionId === null ? undefined : await lockCarrier(trx, transactionId)
    // Orders as well: whoever makes a file has them locked.
    const filed = await lockFiledOrder(trx, idempotencyKey)
    const effect = await lockEffect(trx, id)
    if (effect.transactionId !== transactionId || effect.idempotencyKey !== idempotencyKey)
      throw new RefusedOperation(`Effect ${id} has just moved on; look again.`)
    await auditEffect(trx, needs, change, { action: 'effect.cancel', effect, after: become })
    if (effect.state === 'reserved' && carrier) {
      return { over: false, lanes: await cancelOnChain(trx, needs, effect, carrier, become) }
    }
    const isWaiting = filed?.waits === true && ['sent', 'unknown'].includes(effect.state)
    if (!isWaiting && !['planned', 'failed', 'unknown'].includes(effect.state)) {
      throw new RefusedOperation(`Effect ${id} is ${effect.state} and can't be given up.${whereItIs(filed)}`)
    }
    if (become === 'planned') {
      throw new RefusedOperation(`Effect ${id} is ${effect.state}: "effects retry" plans it anew.`)
    }
    if (isWaiting) await withdrawOrders(trx, [id], needs.clock.now())
    if (effect.kind !== 'coin_transfer') {
      if (!isWaiting) await refuseLeft(trx, effect, word)
      await takeBackOutflow(trx, id)
    }
    const reason = `given up by ${change.who}: ${change.why}`
    return {
      over: true,
      lanes: await endEffects(trx, needs, [{ id, state: 'cancelled', txid: null, reason, gasUnits: null }]),
    }
  })
  needs.wake(...lanes)
  return { over }
}

const whereItIs = (filed: FiledOrder | undefined): string =>
  filed?.fileId ? ` Its order is in file ${filed.fileId}.` : ''

/** An order is given up only when it is known that its money has not left: by the provider, or as it was never sent. */
async function refuseLeft(trx: Trx, { id, state }: EffectRow, word: ProviderWord | undefined): Promise<void> {
  if (await isDebitRead(trx, id))
    throw new RefusedOperation(`The bank's statement has effect ${id}: its money left.`)
  if (state !== 'unknown') return
  if (word === undefined || (await isBeingAsked(trx, id)))
    throw new RefusedOperation(`Effect ${id} is being asked about; look again in a moment.`)
  if (word.state === 'refused') return
  if (word.state === 'no_answer')
    throw new RefusedOperation(
      `Effect ${id} may have left, and the provider can't be asked (${word.problem}). Try again when it answers.`,
    )
  const heard =
    word.state === 'not_known' || word.state === 'nobody'
      ? 'it may still come to the provider, which does not know it now'
      : `the provider has it (${word.state})`
  throw new RefusedOperation(
    `Effect ${id} can't be given up: ${heard}. When you were told its end: "effects settle ${id} --bank-says booked|rejected|not-received".`,
  )
}

type Carrier = { id: number; chain: string; state: string; blockHeight: number | null; attempts: number }

async function cancelOnChain(
  trx: Trx,
  needs: EffectNeeds,
  effect: EffectRow,
  carrier: Carrier,
  become: 'cancelled' | 'planned',
): Promise<string[]> {
  if (!['reserved', 'prepared', 'sent'].includes(carrier.state)) {
    throw new RefusedOperation(`The transaction of effect ${effect.id} is ${carrier.state} already.`)
  }
  if (carrier.blockHeight !== null) {
    throw new RefusedOperation(
      `The coins of effect ${effect.id} are in block ${carrier.blockHeight}: they can't be stopped.`,
    )
  }
  const now = needs.clock.now()
  await trx
    .updateTable('effects')
    .set({ givenUp: become, updatedAt: now })
    .where('id', '=', effect.id)
    .execute()
  await trx
    .updateTable('chainTransactions')
    .set({
      cancelling: true,
      wantedAttempts: carrier.attempts + 1,
      reason: 'given up by an operator',
      updatedAt: now,
    })
    .where('id', '=', carrier.id)
    .execute()
  return [lanesOfChain(carrier.chain).prepare]
}

/**
 * Records coins as sent by a transaction that we don't know of, such as one made after the backup that was restored.
 * The chain is asked: it must be final and have moved exactly this, from the wallet to the recipient.
 */
export async function confirmEffect(
  needs: EffectNeeds,
  id: string,
  txid: string,
  change: Change,
): Promise<void> {
  const found = await findEffect(needs.db, id)
  const setup = needs.chains.get(found.asset.split(':')[0] ?? '')
  if (found.kind !== 'coin_transfer' || !setup) {
    throw new RefusedOperation(
      `Effect ${id} is a ${found.kind} by ${found.door}; only coins can be confirmed by a transaction.`,
    )
  }
  if (!isHex(txid) || txid.length !== 66)
    throw new RefusedOperation(`${txid} is not the hash of a transaction.`)
  const receipt = await readFinal(setup, txid)
  await checkMovement(needs, setup, found, txid)
  const lanes = await needs.db.transaction().execute(async (trx) => {
    const effect = await lockEffect(trx, id)
    if (effect.state !== 'unknown' && effect.state !== 'failed') {
      throw new RefusedOperation(
        `Effect ${id} is ${effect.state}; only one that is unknown or failed can be confirmed.`,
      )
    }
    await refuseUsed(trx, effect, txid)
    await auditEffect(trx, needs, change, { action: 'effect.confirm', effect, after: `confirmed by ${txid}` })
    await bookForeignGas(trx, needs, setup, effect, receipt)
    return endEffects(trx, needs, [{ id, state: 'confirmed', txid, reason: null, gasUnits: null }])
  })
  needs.wake(...lanes)
}

async function readFinal(setup: ChainSetup, txid: Hex): Promise<Receipt> {
  const [[receipt], { latest }] = await Promise.all([setup.provider.receipts([txid]), setup.provider.heads()])
  if (!receipt?.ok) throw new RefusedOperation(`${txid} is no successful transaction of ${setup.chain}.`)
  const depth = depthOf(receipt.height, latest.height)
  if (depth < setup.confirmations) {
    throw new RefusedOperation(`${txid} is ${depth} blocks deep, ${setup.confirmations} are needed.`)
  }
  return receipt
}

async function checkMovement(
  needs: EffectNeeds,
  setup: ChainSetup,
  effect: EffectRow,
  txid: Hex,
): Promise<void> {
  const { address } = JSON.parse(needs.secrets.open('effect', effect.destinationSealed).toString('utf8'))
  const to = getAddress(address)
  const from = getAddress(effect.door.split(':')[2] ?? '')
  const symbol = effect.asset.slice(setup.chain.length + 1)
  const token = effect.asset === nativeAssetOf(setup.chain).id ? null : getAddress(setup.tokens[symbol]!)
  const moved = (await setup.provider.movements(txid)) ?? []
  const fits = moved.some(
    (one) => one.token === token && one.from === from && one.to === to && one.units === effect.units,
  )
  if (!fits) {
    throw new RefusedOperation(
      `${txid} did not move ${effect.units} units of ${effect.asset} from ${from} to ${to}.`,
    )
  }
}

/** One movement settles one effect: the same transaction may carry others, but not two alike to one recipient. */
async function refuseUsed(trx: Trx, effect: EffectRow, txid: string): Promise<void> {
  const used = await trx
    .selectFrom('effects')
    .select('id')
    .where('txid', '=', txid)
    .where('door', '=', effect.door)
    .where('asset', '=', effect.asset)
    .where('units', '=', effect.units)
    .where('id', '<>', effect.id)
    .executeTakeFirst()
  if (used)
    throw new RefusedOperation(
      `${txid} already settled effect ${used.id} of the same amount; look at the chain.`,
    )
}

/** The gas of a transaction that was none of ours, booked once however many effects it carried. */
async function bookForeignGas(
  trx: Trx,
  needs: EffectNeeds,
  { chain }: ChainSetup,
  effect: EffectRow,
  receipt: Receipt,
): Promise<void> {
  const purpose = `gas:${chain}:${receipt.hash}`
  const booked = await trx
    .selectFrom('journals')
    .select('id')
    .where('purpose', '=', purpose)
    .executeTakeFirst()
  if (booked) return
  const asset = nativeAssetOf(chain).id
  await bookAll(trx, [
    {
      kind: 'gas',
      purpose,
      integrationId: null,
      reference: receipt.hash,
      at: needs.clock.now(),
      postings: [
        { account: `gas:${chain}`, asset, units: receipt.gasUnits },
        { account: effect.door, asset, units: -receipt.gasUnits },
      ],
    },
  ])
}

const COLUMNS = [
  'id',
  'kind',
  'state',
  'door',
  'asset',
  'units',
  'reason',
  'transactionId',
  'destinationSealed',
  'idempotencyKey',
] as const

export async function findEffect(db: Pick<Trx, 'selectFrom'>, id: string): Promise<EffectRow> {
  const effect = await db.selectFrom('effects').select(COLUMNS).where('id', '=', id).executeTakeFirst()
  if (!effect) throw new RefusedOperation(`There is no effect ${id}. "effects list" shows them.`)
  return effect
}

export async function lockEffect(trx: Trx, id: string): Promise<EffectRow> {
  const effect = await trx
    .selectFrom('effects')
    .select(COLUMNS)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  if (!effect) throw new RefusedOperation(`There is no effect ${id}. "effects list" shows them.`)
  return effect
}

function lockCarrier(trx: Trx, id: number): Promise<Carrier | undefined> {
  return trx
    .selectFrom('chainTransactions')
    .select(['id', 'chain', 'state', 'blockHeight', 'attempts'])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
}

export async function auditEffect(
  trx: Trx,
  { clock }: Pick<EffectNeeds, 'clock'>,
  { who, why }: Change,
  {
    action,
    effect: { id, state, reason },
    after,
    order,
  }: { action: string; effect: EffectRow; after: string; order?: string | undefined },
): Promise<void> {
  const entry = {
    who,
    why,
    action,
    target: `effect:${id}`,
    before: { state, reason, ...(order === undefined ? {} : { order }) },
    after: { state: after },
  }
  await recordAudit(trx, clock.now(), entry)
}
