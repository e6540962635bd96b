import { sql } from 'kysely'
import type { Db } from '../db/database.ts'
import type { EffectsTable } from '../db/schema.ts'

/** An effect as an operator sees it, with the chain transaction that carries it. */
export interface ListedEffect {
  id: string
  kind: EffectsTable['kind']
  reference: string
  purpose: string
  door: string
  asset: string
  units: bigint
  /** Of coins between `reserved` and their end: how far their transaction is. An order in no file yet is `planned`. */
  state: EffectsTable['state']
  reason: string | null
  attempts: number
  txid: string | null
  providerRef: string | null
  nonce: number | null
  /** What becomes of it when its transaction is cancelled; null: it wasn't given up. */
  givenUp: 'planned' | 'cancelled' | null
  createdAt: Date
  dueAt: Date | null
  confirmedAt: Date | null
}

export interface EffectFilter {
  state?: EffectsTable['state'] | 'open' | 'parked'
  door?: string
  kind?: EffectsTable['kind']
  /** Such as `payment:<id>`. */
  reference?: string
  id?: string
  limit: number
  /** Goes on after this one: its `createdAt` and `id`. */
  after?: { createdAt: Date; id: string }
}

const STATES = {
  open: ['planned', 'reserved', 'prepared', 'sent', 'unknown'],
  parked: ['failed', 'unknown'],
} as const satisfies Record<string, readonly EffectsTable['state'][]>

const IN_NO_FILE = sql<boolean>`
  (e.state = 'sent' and exists (select from file_orders o
                                 where o.idempotency_key = e.idempotency_key and o.file_id is null))`
const SHOWN = sql<EffectsTable['state']>`case when ${IN_NO_FILE} then 'planned' else e.state end`

/** Newest first. */
export async function listEffects(db: Db, filter: EffectFilter): Promise<ListedEffect[]> {
  const states: readonly string[] | undefined =
    filter.state && (filter.state in STATES ? STATES[filter.state as keyof typeof STATES] : [filter.state])
  // Nobody but us has these, so they are found among what is planned.
  const among = states?.includes('planned') ? [...states, 'sent'] : states
  const { rows } = await sql<ListedEffect>`
    select e.id, e.kind, e.reference, e.purpose, e.door, e.asset, e.units,
           case when e.state = 'reserved' and t.id is not null then t.state else ${SHOWN} end as state,
           coalesce(t.reason, e.reason, case when ${IN_NO_FILE} then 'in no file yet: "bank orders"' end) as reason, case when t.id is null then e.attempts else t.attempts end as attempts,
           coalesce(e.txid, t.hash) as txid, e.provider_ref, t.nonce, e.given_up, e.created_at, e.due_at, e.confirmed_at
      from effects e left join chain_transactions t on t.id = e.transaction_id
     where (${states ?? null}::text[] is null
            or (e.state = any(${among ?? null}::text[]) and ${SHOWN} = any(${states ?? null}::text[])))
       and (${filter.door ?? null}::text is null or e.door = ${filter.door ?? null})
       and (${filter.kind ?? null}::text is null or e.kind = ${filter.kind ?? null})
       and (${filter.reference ?? null}::text is null or e.reference = ${filter.reference ?? null})
       and (${filter.id ?? null}::text is null or e.id = ${filter.id ?? null})
       and (${filter.after?.createdAt ?? null}::timestamptz is null
            or (e.created_at, e.id) < (${filter.after?.createdAt ?? null}::timestamptz, ${filter.after?.id ?? null}::text))
     order by e.created_at desc, e.id desc limit ${filter.limit}`.execute(db)
  return rows
}
