import { type Selectable, sql } from 'kysely'
import { getAddress, isAddress } from 'viem'
import { recordAudit } from '../common/integration-store.ts'
import type { Db } from '../db/database.ts'
import type { SweepsTable } from '../db/schema.ts'
import type { EffectNeeds } from '../effects/model.ts'
import { type Change, RefusedOperation } from '../effects/operate-effects.ts'
import { lockSweepsById, sweepReference, updateSweeps } from './sweep-store.ts'
import { sweepsLaneOf } from './sweeps.ts'

export interface SweepFilter {
  /** `open`: on its way. */
  state?: SweepsTable['state'] | 'open'
  chain?: string
  address?: string
  limit: number
}

/** Newest first. */
export async function listSweeps(
  db: Db,
  { state, chain, address, limit }: SweepFilter,
): Promise<Selectable<SweepsTable>[]> {
  const states = state === 'open' ? (['gas', 'coins'] as const) : state ? [state] : undefined
  return db
    .selectFrom('sweeps')
    .selectAll()
    .$if(states !== undefined, (query) => query.where('state', 'in', states!))
    .$if(chain !== undefined, (query) => query.where('chain', '=', chain!))
    .$if(address !== undefined, (query) => query.where('address', '=', writtenAddress(address!)))
    .orderBy('createdAt', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/** Addresses are kept in capital and small letters, which few type. */
const writtenAddress = (text: string): string =>
  isAddress(text, { strict: false }) ? getAddress(text) : text

/** Has a sweep go on that waits or was parked: what is next is decided by the chain as it is now. */
export async function retrySweep(
  needs: Pick<EffectNeeds, 'db' | 'clock' | 'wake'>,
  id: string,
  { who, why }: Change,
): Promise<void> {
  const { db, clock } = needs
  const chain = await db.transaction().execute(async (trx) => {
    const now = clock.now()
    const open = await sql<{ id: string; state: string }>`
      select id, state from effects
       where reference = ${sweepReference(id)} and state not in ('confirmed', 'cancelled')
       order by id for update`.execute(trx)
    const sweep = (await lockSweepsById(trx, [id])).get(id)
    if (!sweep) throw new RefusedOperation(`There is no sweep ${id}. "sweeps list" lists them.`)
    if (sweep.state === 'done' || sweep.state === 'lost')
      throw new RefusedOperation(`Sweep ${id} is over: ${sweep.state}.`)
    const effect = open.rows[0]
    if (effect)
      throw new RefusedOperation(
        `Effect ${effect.id} of sweep ${id} is ${effect.state}: it goes on by itself, or by "effects retry".`,
      )
    const other = await trx
      .selectFrom('sweeps')
      .select('id')
      .where('chain', '=', sweep.chain)
      .where('address', '=', sweep.address)
      .where('state', 'in', ['gas', 'coins'])
      .where('id', '<>', id)
      .executeTakeFirst()
    if (other) throw new RefusedOperation(`Sweep ${other.id} empties the same address already.`)
    await updateSweeps(trx, [{ ...sweep, state: 'gas', attempts: 0, dueAt: now }], now)
    await recordAudit(trx, now, {
      who,
      why,
      action: 'sweep.retry',
      target: id,
      before: { state: sweep.state, reason: sweep.reason },
    })
    return sweep.chain
  })
  needs.wake(sweepsLaneOf(chain))
}
