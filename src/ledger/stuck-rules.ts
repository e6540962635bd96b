import { STUCK_CODES, type StuckCode } from '../kernel/stuck-thresholds.ts'
import { BANK_RULES } from './stuck/bank-rules.ts'
import { OTHER_RULES } from './stuck/other-rules.ts'
import { PAYMENT_RULES } from './stuck/payment-rules.ts'
import { PAYOUT_RULES } from './stuck/payout-rules.ts'
import type { StuckRule } from './stuck/rule.ts'

const BY_CODE = new Map<StuckCode, StuckRule>(
  [...PAYMENT_RULES, ...PAYOUT_RULES, ...BANK_RULES, ...OTHER_RULES].map((rule) => [rule.code, rule]),
)

/** Every kind of stuck money, in the order of `STUCK_AFTER`. */
export const STUCK_RULES: readonly StuckRule[] = STUCK_CODES.map((code) => {
  const rule = BY_CODE.get(code)
  if (!rule) throw new Error(`Nothing finds ${code}.`)
  return rule
})
