import { Type } from 'typebox'
import type { Language, Money } from '../../hosted/wire.ts'
import { wireTime } from '../../kernel/clock.ts'
import { formatAmount } from '../../money/amount.ts'
import { assetOf } from '../../money/asset.ts'
import { fail } from '../../server/errors.ts'

/** The path's parameter: the session's id, which is the page's secret. */
export const SessionParams = Type.Object({
  session: Type.String({
    maxLength: 64,
    description: "The session's id, as it stands in the page's address.",
  }),
})

interface SessionRow {
  merchantName: string
  units: bigint
  currency: string
  reference: string
  language: string | null
  expiresAt: Date
  returnUrl: string
}

/** What the pages of all simulated providers show. */
export function commonView(row: SessionRow, now: Date) {
  return {
    merchant_name: row.merchantName,
    amount: moneyOf(row.units, row.currency),
    reference: row.reference,
    language: row.language as Language | null,
    expires_at: wireTime(row.expiresAt),
    server_time: wireTime(now),
    return_url: row.returnUrl,
  }
}

export const moneyOf = (units: bigint, currency: string): Money => ({
  amount: formatAmount(units, assetOf(currency)),
  currency,
})

export function sessionNotFound(): never {
  return fail('session_not_found', 'There is no such session. Go back to the shop and begin again.')
}

export function notNow(): never {
  return fail('action_not_allowed', 'The session is past that step. Load the page again.')
}
