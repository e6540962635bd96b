import { sql } from 'kysely'
import type { Logger } from 'pino'
import type { Db, Trx } from '../db/database.ts'
import type { Clock } from '../kernel/clock.ts'

export interface Door {
  door: string
  pausedAt: Date | null
  pausedBy: string | null
  pausedReason: string | null
  haltedAt: Date | null
  haltedReason: string | null
}

/** Nothing leaves by a halted door until an operator has resolved it. The first reason stays; only it is logged. */
export async function haltDoor(
  trx: Db | Trx,
  { clock, log }: { clock: Clock; log: Logger },
  door: string,
  reason: string,
): Promise<void> {
  const { rows } = await sql<{ door: string }>`
    insert into doors (door, halted_at, halted_reason) values (${door}, ${clock.now()}, ${reason})
    on conflict (door) do update
       set halted_at = excluded.halted_at, halted_reason = excluded.halted_reason
     where doors.halted_at is null
    returning door`.execute(trx)
  if (rows.length > 0) log.error({ door, reason }, 'A door is halted: nothing leaves by it.')
}

/** Every door that is or was paused or halted, and those of the hot wallets. */
export async function listDoors(db: Db | Trx): Promise<Door[]> {
  const { rows } = await sql<Door>`
    select coalesce(doors.door, 'wallet:' || w.chain || ':' || w.address) as door,
           paused_at, paused_by, paused_reason, halted_at, halted_reason
      from doors full join (select * from wallets where role = 'hot') w
        on doors.door = 'wallet:' || w.chain || ':' || w.address
     order by 1`.execute(db)
  return rows
}
