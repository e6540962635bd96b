import type { RawBuilder } from 'kysely'
import type { StuckCode } from '../../kernel/stuck-thresholds.ts'

/** `high`: money that should have moved by itself, or that somebody waits for; the operator is to look at once. */
export type StuckSeverity = 'high' | 'medium' | 'low'

/** One kind of stuck money: what finds it, and what to do about it. */
export interface StuckRule {
  code: StuckCode
  severity: StuckSeverity
  /** What is stuck, in words. */
  says: string
  /** How an operator mends it. */
  mend: string
  /**
   * SQL of everything that has been so since `cutoff` or longer: `reference`, `asset`, `units` (base units; null where
   * no amount is known), `since`, `why` (null where nothing more is known). It goes by indices of what is open alone.
   */
  rows(cutoff: Date): RawBuilder<unknown>
}
