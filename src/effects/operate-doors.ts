import { sql } from 'kysely'
import type { Address, Hex } from 'viem'
import { recordAudit } from '../common/integration-store.ts'
import type { Trx } from '../db/database.ts'
import type { ChainSetup } from '../providers/chain/setup.ts'
import { type Door, listDoors } from './doors.ts'
import { type EffectNeeds, lanesOfChain } from './model.ts'
import { type Change, RefusedOperation } from './operate-effects.ts'

/** Which doors: those of coins, those of banks and cards, or one by its name. */
export type Doors = 'dispatch' | 'payouts' | { door: string }

/** Pauses doors: what is planned stays planned, what is on its way is followed to its end. Answers the doors. */
export async function pauseDoors(needs: EffectNeeds, which: Doors, { who, why }: Change): Promise<string[]> {
  return changeDoors(needs, which, { who, why }, 'door.pause', async (trx, doors) => {
    await sql`
      insert into doors (door, paused_at, paused_by, paused_reason)
      select door, ${needs.clock.now()}, ${who}, ${why} from unnest(${doors}::text[]) door order by door
      on conflict (door) do update set paused_at = excluded.paused_at, paused_by = excluded.paused_by,
                                       paused_reason = excluded.paused_reason`.execute(trx)
  })
}

/** Opens paused doors again; one that is halted stays so. Answers the doors. */
export async function resumeDoors(needs: EffectNeeds, which: Doors, change: Change): Promise<string[]> {
  const doors = await changeDoors(needs, which, change, 'door.resume', async (trx, doors) => {
    await sql`
      update doors set paused_at = null, paused_by = null, paused_reason = null
       where door = any(${doors}::text[])`.execute(trx)
  })
  wakeAll(needs)
  return doors
}

async function changeDoors(
  needs: EffectNeeds,
  which: Doors,
  { who, why }: Change,
  action: string,
  apply: (trx: Trx, doors: string[]) => Promise<void>,
): Promise<string[]> {
  return needs.db.transaction().execute(async (trx) => {
    const doors = (await listAllDoors(trx, needs)).filter((door) => belongsTo(door, which))
    if (doors.length === 0)
      throw new RefusedOperation(`There is no such door. "wallets" and "doors" list them.`)
    await apply(trx, doors)
    for (const door of doors) await recordAudit(trx, needs.clock.now(), { who, why, action, target: door })
    return doors
  })
}

function belongsTo(door: string, which: Doors): boolean {
  if (typeof which === 'object') return door === which.door
  return door.startsWith('wallet:') === (which === 'dispatch')
}

/** Of wallets, of our bank accounts, of the providers that took money, and any that effects name. */
async function listAllDoors(
  trx: Trx,
  { cards, redirects }: Pick<EffectNeeds, 'cards' | 'redirects'>,
): Promise<string[]> {
  const known: Door[] = await listDoors(trx)
  const { rows } = await sql<{ door: string }>`
    select 'bank:' || iban as door from bank_accounts
    union select distinct door from effects where state in ('planned', 'reserved', 'prepared', 'sent', 'unknown')`.execute(
    trx,
  )
  const all = [...known, ...rows].map(({ door }) => door)
  const takers = [
    ...cards.map(({ name }) => `card:${name}`),
    ...Object.entries(redirects).flatMap(([kind, one]) => (one ? [`${kind}:${one.name}`] : [])),
  ]
  return [...new Set([...all, ...takers])].sort()
}

export interface Resolution {
  door: string
  /** The nonce that comes next now. */
  nextNonce: number
  /** Effects that may have been paid by transactions we don't know: each is for the operator to decide. */
  unknown: string[]
}

/**
 * Opens a halted wallet again. Its line goes on where the chain is. Transfers that may have been made by the
 * transactions we don't know of become `unknown`: those planned before the halt, if the chain was ahead of us, and
 * those whose nonce somebody else used. `confirmEffect` or `retryEffect` decides each of them.
 */
export async function resolveDoor(needs: EffectNeeds, door: string, change: Change): Promise<Resolution> {
  const [kind, chain = '', address = ''] = door.split(':')
  const setup = needs.chains.get(chain)
  if (kind !== 'wallet' || !setup)
    throw new RefusedOperation(`${door} is not a wallet of ours. "doors" lists them.`)
  const [nonces, { genesisHash }] = await Promise.all([
    setup.provider.nonces(address as Address),
    setup.provider.identify(),
  ])
  await refuseOtherChain(needs, chain, genesisHash)
  const lost = await findLost(needs, setup, address, nonces.latest)
  const resolution = await needs.db.transaction().execute(async (trx) => {
    const wallet = await trx
      .selectFrom('wallets')
      .selectAll()
      .where('chain', '=', chain)
      .where('address', '=', address)
      .forUpdate()
      .executeTakeFirst()
    const halted = await trx
      .selectFrom('doors')
      .selectAll()
      .where('door', '=', door)
      .forUpdate()
      .executeTakeFirst()
    if (!wallet || !halted?.haltedAt) throw new RefusedOperation(`${door} is not halted.`)
    const counted = Math.max(nonces.latest, nonces.pending)
    const ahead = counted > wallet.nextNonce
    const nextNonce = Math.max(wallet.nextNonce, counted)
    const unknown = await abandonLost(trx, needs, lost)
    if (ahead || halted.haltedReason?.startsWith('nonce_ahead')) {
      unknown.push(...(await doubtPlanned(trx, needs, door, halted.haltedAt)))
    }
    await trx
      .updateTable('wallets')
      .set({ nextNonce })
      .where('chain', '=', chain)
      .where('address', '=', address)
      .execute()
    await trx
      .updateTable('doors')
      .set({ haltedAt: null, haltedReason: null })
      .where('door', '=', door)
      .execute()
    await recordAudit(trx, needs.clock.now(), {
      ...change,
      action: 'door.resolve',
      target: door,
      before: { reason: halted.haltedReason, nextNonce: wallet.nextNonce },
      after: { nextNonce, unknown },
    })
    return { door, nextNonce, unknown }
  })
  wakeAll(needs)
  return resolution
}

async function refuseOtherChain(needs: EffectNeeds, chain: string, genesisHash: string): Promise<void> {
  const known = await needs.db
    .selectFrom('chains')
    .select('genesisHash')
    .where('chain', '=', chain)
    .executeTakeFirst()
  if (known?.genesisHash !== genesisHash) {
    throw new RefusedOperation(
      `The node of ${chain} has another chain (it begins with ${genesisHash}). Point it to the right one first.`,
    )
  }
}

/** Open transactions whose nonce the chain has counted though none of their attempts is on it. */
async function findLost(
  needs: EffectNeeds,
  setup: ChainSetup,
  address: string,
  latest: number,
): Promise<number[]> {
  const { rows } = await sql<{ id: number; hashes: Hex[] }>`
    select t.id, coalesce(array_agg(a.hash) filter (where a.hash is not null), '{}') as hashes
      from chain_transactions t left join chain_attempts a on a.transaction_id = t.id
     where t.chain = ${setup.chain} and t.wallet = ${address} and t.nonce < ${latest}
       and t.state in ('reserved', 'prepared', 'sent')
     group by t.id order by t.id`.execute(needs.db)
  const receipts = await setup.provider.receipts(rows.flatMap(({ hashes }) => hashes))
  const mined = new Set(receipts.flatMap((receipt) => (receipt ? [receipt.hash] : [])))
  return rows.filter(({ hashes }) => !hashes.some((hash) => mined.has(hash))).map(({ id }) => id)
}

async function abandonLost(trx: Trx, needs: EffectNeeds, ids: readonly number[]): Promise<string[]> {
  const now = needs.clock.now()
  const reason = 'its nonce was used by a transaction that we do not know; find out whether it was paid'
  const { rows } = await sql<{ id: string }>`
    with lost as (
      update chain_transactions set state = 'abandoned', reason = ${reason}, due_at = null, lease_until = null,
             wanted_attempts = attempts, updated_at = ${now}
       where id = any(${[...ids]}::bigint[]) and state in ('reserved', 'prepared', 'sent') returning id
    )
    update effects set state = 'unknown', reason = ${reason}, due_at = null, updated_at = ${now}
     where transaction_id in (select id from lost) and state = 'reserved' returning id`.execute(trx)
  return rows.map(({ id }) => id)
}

async function doubtPlanned(trx: Trx, needs: EffectNeeds, door: string, haltedAt: Date): Promise<string[]> {
  const reason = 'planned before the wallet was halted; a transaction that we do not know may have paid it'
  const { rows } = await sql<{ id: string }>`
    update effects set state = 'unknown', reason = ${reason}, due_at = null, updated_at = ${needs.clock.now()}
     where door = ${door} and state = 'planned' and created_at <= ${haltedAt} returning id`.execute(trx)
  return rows.map(({ id }) => id)
}

function wakeAll(needs: EffectNeeds): void {
  needs.wake('payouts', ...[...needs.chains.keys()].flatMap((chain) => Object.values(lanesOfChain(chain))))
}
