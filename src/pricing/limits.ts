import type { IntegrationSettings } from '../common/integration.ts'
import { amountOf } from '../money/amount.ts'
import { EUR } from './terms.ts'

/** What a customer's payments that have not ended without coins add up to, in euro cents. */
export interface Usage {
  /** By card since the calendar quarter (UTC) began. */
  cardQuarterUnits: bigint
  /** By every method in the last 12 months. */
  yearUnits: bigint
}

export type LimitDecision = 'ok' | 'limit_exceded' | 'kyc_reinforced_required' | 'max_purchase'

export interface LimitQuestion {
  limits: IntegrationSettings['limits']
  level: 'basic' | 'reinforced'
  paymentType: string
  /** The payment's worth in euro cents, at the day's rate. */
  amountUnits: bigint
  /** Without the payment itself. */
  usage: Usage
}

/**
 * Whether one more payment stays within the customer's limits. Over the quarter's card limit: `limit_exceded`,
 * whatever the level. Over the 12 months' limit: `kyc_reinforced_required` when the reinforced level would allow it,
 * else `max_purchase`. A total equal to the limit is within it.
 */
export function decideLimit({
  limits,
  level,
  paymentType,
  amountUnits,
  usage,
}: LimitQuestion): LimitDecision {
  const own = limits[level]
  if (paymentType === 'card' && usage.cardQuarterUnits + amountUnits > amountOf(own.cardQuarter, EUR)) {
    return 'limit_exceded'
  }
  const yearUnits = usage.yearUnits + amountUnits
  if (yearUnits <= amountOf(own.year, EUR)) return 'ok'
  const reinforcedAllows = level === 'basic' && yearUnits <= amountOf(limits.reinforced.year, EUR)
  return reinforcedAllows ? 'kyc_reinforced_required' : 'max_purchase'
}

/** When the calendar quarter of `now` began, in UTC. */
export function quarterStart(now: Date): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - (now.getUTCMonth() % 3), 1))
}

/** Twelve months before `now`, to the millisecond; from 29 February it is 28 February. */
export function yearStart(now: Date): Date {
  const start = new Date(now)
  start.setUTCFullYear(now.getUTCFullYear() - 1)
  if (start.getUTCDate() !== now.getUTCDate()) start.setUTCDate(0)
  return start
}
