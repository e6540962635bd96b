import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../db/database.ts'
import type { Metrics } from '../kernel/metrics.ts'
import type { StuckCode, StuckThresholds } from '../kernel/stuck-thresholds.ts'
import type { StuckRule } from './stuck/rule.ts'
import { STUCK_RULES } from './stuck-rules.ts'

/** Something that has been stuck for longer than its rule allows. */
export interface StuckItem {
  rule: StuckCode
  /** Such as `payment:<id>`, `sale:<id>`, `bank-line:<iban>:<id>`. */
  reference: string
  /** Null where it is no money by itself, as a callback. */
  asset: string | null
  /** Base units. */
  units: bigint | null
  since: Date
  why: string | null
}

/** What a rule found, without its items. */
export interface StuckCount {
  rule: StuckRule
  count: number
  /** Since when the oldest has been so; null when there is none. */
  oldest: Date | null
}

interface Asked {
  /** The platform's time. */
  now: Date
  after: StuckThresholds
}

const cutoffOf = ({ code }: StuckRule, { now, after }: Asked): Date | null => {
  const afterMs = after[code]
  return afterMs === null ? null : new Date(now.getTime() - afterMs)
}

/** The oldest of what is stuck, or the newest, at most `limit` of each rule; of one rule alone where it is named. */
export async function findStuck(
  db: Db,
  asked: Asked,
  { only, limit, newest = false }: { only?: StuckCode | undefined; limit: number; newest?: boolean },
): Promise<StuckItem[]> {
  const first = newest ? sql`since desc, reference` : sql`since, reference`
  const parts = STUCK_RULES.filter(({ code }) => only === undefined || code === only).flatMap((rule) => {
    const cutoff = cutoffOf(rule, asked)
    if (!cutoff) return []
    return [
      sql`(select ${rule.code}::text as rule, reference, asset, units, since, why
             from (${rule.rows(cutoff)}) stuck order by ${first} limit ${limit})`,
    ]
  })
  if (parts.length === 0) return []
  const { rows } = await sql<StuckItem>`
    select * from (${joined(parts)}) stuck order by since, reference`.execute(db)
  return rows
}

/** How much each rule finds, all rules in one question. A rule that is off finds nothing. */
export async function countStuck(db: Db, asked: Asked): Promise<StuckCount[]> {
  const parts = STUCK_RULES.flatMap((rule) => {
    const cutoff = cutoffOf(rule, asked)
    if (!cutoff) return []
    return [
      sql`select ${rule.code}::text as rule, count(*)::int as count, min(since) as oldest
            from (${rule.rows(cutoff)}) stuck`,
    ]
  })
  const { rows } =
    parts.length === 0
      ? { rows: [] }
      : await sql<{ rule: StuckCode; count: number; oldest: Date | null }>`${joined(parts)}`.execute(db)
  const byCode = new Map(rows.map((row) => [row.rule, row]))
  return STUCK_RULES.map((rule) => {
    const found = byCode.get(rule.code)
    return { rule, count: found?.count ?? 0, oldest: found?.oldest ?? null }
  })
}

const joined = (parts: RawBuilder<unknown>[]): RawBuilder<unknown> => sql.join(parts, sql` union all `)

/** What of high severity is stuck, as `/readyz` says it. */
export async function findStuckMoney(
  db: Db,
  asked: Asked,
): Promise<{ what: string; why: string; mend: string }[]> {
  const found = await countStuck(db, asked)
  return found
    .filter(({ rule, count }) => count > 0 && rule.severity === 'high')
    .map(({ rule, count, oldest }) => ({
      what: `stuck money: ${rule.code}`,
      why: `${count} since ${oldest?.toISOString()} at the latest. ${rule.says}`,
      mend: `"stuck --rule ${rule.code}" lists them. ${rule.mend}`,
    }))
}

/** Sets the gauges of stuck money: how much of each kind, and how old the oldest is. */
export async function measureStuck(
  db: Db,
  asked: Asked,
  metrics: Pick<Metrics, 'stuckItems' | 'stuckOldest'>,
): Promise<void> {
  for (const { rule, count, oldest } of await countStuck(db, asked)) {
    metrics.stuckItems.set({ rule: rule.code }, count)
    const ageMs = oldest === null ? 0 : asked.now.getTime() - oldest.getTime()
    metrics.stuckOldest.set({ rule: rule.code }, ageMs / 1000)
  }
}
