import { sql } from 'kysely'
import type { Db, Trx } from '../db/database.ts'
import { sumFromCheckpoint } from '../ledger/book.ts'
import { chooseFitting, type Waiting } from './plan-dispatch.ts'
import { dayOf, readOutflows } from './reserve-store.ts'

/** A payout that is due, under lock. */
export interface DuePayout {
  id: string
  was: 'planned' | 'prepared' | 'sent' | 'unknown'
  door: string
  asset: string
  units: bigint
  createdAt: Date
}

/** What an account of ours holds by the books, in base units. */
export interface AccountFunds {
  bookedUnits: bigint
  /** Ordered at the bank and not on its statement yet. */
  leavingUnits: bigint
  /** What may still be ordered: booked, less what is leaving. */
  freeUnits: bigint
}

/**
 * Which of the planned bank transfers their accounts can pay now. One process at a time decides for an account, so
 * that the same money is never promised twice.
 */
export async function chooseAffordable(
  trx: Trx,
  due: readonly DuePayout[],
  { now, dailyCapUnits }: { now: Date; dailyCapUnits: (asset: string) => bigint | null },
): Promise<{ going: DuePayout[]; waiting: Waiting[] }> {
  const going: DuePayout[] = []
  const waiting: Waiting[] = []
  const byDoor = Map.groupBy(due, ({ door }) => door)
  const doors = [...byDoor.keys()].sort()
  await lockAccounts(trx, doors)
  for (const door of doors) {
    const own = byDoor.get(door)!.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime())
    const assets = [...new Set(own.map(({ asset }) => asset))]
    const left = await readOutflows(trx, door, dayOf(now))
    const free = new Map<string, bigint>()
    const capLeft = new Map<string, bigint>()
    for (const asset of assets) {
      free.set(asset, (await readFunds(trx, door, asset)).freeUnits)
      const cap = dailyCapUnits(asset)
      if (cap !== null) capLeft.set(asset, cap - (left.get(asset) ?? 0n))
    }
    const chosen = chooseFitting(own, { free, capLeft }, { short: 'funds_short', payer: 'account' })
    going.push(...chosen.going)
    waiting.push(...chosen.waiting)
  }
  return { going, waiting }
}

async function lockAccounts(trx: Trx, doors: readonly string[]): Promise<void> {
  if (doors.length === 0) return
  // Lines may still be recorded meanwhile: they only refer to the account.
  await sql`
    select iban from bank_accounts where iban = any(${doors.map((door) => door.slice('bank:'.length))}::text[])
     order by iban for no key update`.execute(trx)
}

/**
 * What an account can pay. Everything that was ordered stands in transit until the bank's line of it is read; of that,
 * what is only planned or was refused has not left.
 */
export async function readFunds(db: Db | Trx, door: string, asset: string): Promise<AccountFunds> {
  // In one statement, as money moves between the three while they are read.
  const { rows } = await sql<{ booked: bigint; transit: bigint; held: bigint }>`
    select (${sumFromCheckpoint(door, asset)}) as booked,
           (${sumFromCheckpoint(`transit:out:${door.slice('bank:'.length)}`, asset)}) as transit,
           (${sumOfState(door, asset, 'planned')}) + (${sumOfState(door, asset, 'failed')}) as held`.execute(
    db,
  )
  const { booked, transit, held } = rows[0]!
  const leavingUnits = -transit - held
  return { bookedUnits: booked, leavingUnits, freeUnits: booked - (leavingUnits > 0n ? leavingUnits : 0n) }
}

/** Of one state: there is an index of what is open, and one of what failed, but none of both. */
const sumOfState = (door: string, asset: string, state: 'planned' | 'failed') => sql`
  select coalesce(sum(units), 0) from effects
   where state = ${sql.lit(state)} and door = ${door} and asset = ${asset} and kind = 'bank_transfer'`
