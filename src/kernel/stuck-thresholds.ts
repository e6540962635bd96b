import { parseDurationMs } from './clock.ts'
import type { ConfigReader } from './config-reader.ts'

/** The kinds of stuck money, and after how long something counts as stuck. What each means: `src/ledger/stuck`. */
export const STUCK_DEFAULTS = {
  payment_without_transfer: '30m',
  transfer_unconfirmed: '30m',
  transfer_unknown: '15m',
  payment_in_review: '24h',
  sale_in_review: '24h',
  sale_without_payout: '1h',
  sale_coins_not_returned: '1h',
  payout_waiting: '1h',
  payout_unknown: '1h',
  payout_not_on_statement: '2d',
  card_refund_not_ended: '3d',
  refund_failed: '1h',
  suspense_line: '24h',
  suggested_line: '24h',
  doubtful_line: '24h',
  debit_unexpected: '15m',
  transfer_taken_back: '1s',
  statement_missing: '4d',
  order_not_exported: '24h',
  order_held: '15m',
  order_unanswered: '4d',
  deposit_not_swept: '24h',
  card_not_settled: '10d',
  callback_parked: '1h',
  webhook_parked: '6h',
} as const

export type StuckCode = keyof typeof STUCK_DEFAULTS

/** In milliseconds; null: not looked for. */
export type StuckThresholds = Readonly<Record<StuckCode, number | null>>

export const STUCK_CODES = Object.keys(STUCK_DEFAULTS) as StuckCode[]

/** As `STUCK_AFTER` has it. */
export const stuckDefaultText = (): string =>
  STUCK_CODES.map((code) => `${code}=${STUCK_DEFAULTS[code]}`).join(',')

const isCode = (text: string): text is StuckCode => Object.hasOwn(STUCK_DEFAULTS, text)

/** What is given of `STUCK_AFTER` over the defaults; `off` takes a rule out. */
export function readStuckAfter(read: Pick<ConfigReader, 'list' | 'report'>): StuckThresholds {
  const thresholds = Object.fromEntries(
    STUCK_CODES.map((code) => [code, parseDurationMs(STUCK_DEFAULTS[code])!]),
  ) as Record<StuckCode, number | null>
  for (const item of read.list('STUCK_AFTER')) {
    const [code = '', after = '', ...rest] = item.split('=').map((part) => part.trim())
    const afterMs = after === 'off' ? null : parseDurationMs(after)
    if (!isCode(code)) {
      read.report(
        'STUCK_AFTER',
        `STUCK_AFTER names ${JSON.stringify(code)}, which is no kind of stuck money.`,
        `Known are ${STUCK_CODES.join(', ')}.`,
      )
    } else if (afterMs === undefined || afterMs === 0 || rest.length > 0) {
      read.report(
        'STUCK_AFTER',
        `STUCK_AFTER holds ${JSON.stringify(item)}, which is no kind with a duration.`,
        `Write it like ${code}=${STUCK_DEFAULTS[code]}, or ${code}=off to not look for it.`,
      )
    } else thresholds[code] = afterMs
  }
  return thresholds
}
