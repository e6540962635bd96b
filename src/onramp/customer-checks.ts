import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Integration, IntegrationSettings } from '../common/integration.ts'
import type { Trx } from '../db/database.ts'
import { decideLimit, type LimitDecision } from '../pricing/limits.ts'
import { readUsage } from '../pricing/limits-store.ts'
import { fail } from '../server/errors.ts'
import { OverLimit } from './offer-onboarding.ts'

/** A customer as a purchase sees them, and the payment that holds the wanted `external_id` already. */
export interface CustomerAtPurchase {
  bannedAt: Date | null
  kycStatus: 'unused' | 'processing' | 'valid' | 'fail'
  kycLevel: 'none' | 'basic' | 'reinforced'
  namesake: { id: string; externalId: string | null; requestHash: Buffer } | null
}

/**
 * Locks the customer's row, under which limits are counted. The lock lets rows refer to the customer meanwhile.
 * Undefined for a customer of another integration, exactly as for none.
 */
export async function lockCustomer(
  trx: Trx,
  order: { integration: Pick<Integration, 'id'>; customerId: number; externalId: string | null },
): Promise<CustomerAtPurchase | undefined> {
  const { rows } = await sql<CustomerAtPurchase & { paymentId: string | null; requestHash: Buffer | null }>`
    select banned_at, kyc_status, kyc_level, namesake.id as payment_id, namesake.request_hash
      from customers left join (
             select id, request_hash from payments
              where integration_id = ${order.integration.id} and live_external_id = ${order.externalId}) namesake on true
     where integration_id = ${order.integration.id} and customers.id = ${order.customerId}
       for no key update of customers`.execute(trx)
  const row = rows[0]
  if (!row) return undefined
  const { paymentId, requestHash, ...customer } = row
  const namesake =
    paymentId === null ? null : { id: paymentId, externalId: order.externalId, requestHash: requestHash! }
  return { ...customer, namesake }
}

/** Throws when the customer may not buy; answers the verified level, or that the verification is still to be done. */
export function judgeCustomer(
  customer: CustomerAtPurchase | undefined,
): 'basic' | 'reinforced' | 'require_kyc' {
  if (!customer) fail('user_not_found', 'There is no such customer. Register the customer first.')
  if (customer.bannedAt) fail('user_banned', 'This customer is banned.')
  return customer.kycStatus === 'valid' && customer.kycLevel !== 'none' ? customer.kycLevel : 'require_kyc'
}

/** Throws `OverLimit` when one more payment of this worth, by this method, goes over the customer's limits. */
export async function refuseOverLimits(
  app: Pick<App, 'clock'>,
  trx: Trx,
  order: {
    integration: { id: number; settings: IntegrationSettings }
    customerId: number
    paymentType: string
    level: 'basic' | 'reinforced'
    limitUnits: bigint
  },
  exceptPaymentId?: string,
): Promise<void> {
  const { integration, customerId, paymentType, level, limitUnits } = order
  const usage = await readUsage(
    trx,
    { integrationId: integration.id, customerId },
    app.clock.now(),
    exceptPaymentId,
  )
  const { limits } = integration.settings
  const question = { limits, paymentType, amountUnits: limitUnits, usage }
  const decision = decideLimit({ ...question, level })
  if (decision === 'ok') return
  const liftable = level === 'basic' && decideLimit({ ...question, level: 'reinforced' }) === 'ok'
  throw new OverLimit(decision, overLimitText(decision, limits[level]), liftable)
}

function overLimitText(
  decision: Exclude<LimitDecision, 'ok'>,
  { cardQuarter, year }: IntegrationSettings['limits']['basic'],
): string {
  switch (decision) {
    case 'limit_exceded':
      return `With this payment the customer goes over ${cardQuarter} EUR a quarter by card.`
    case 'kyc_reinforced_required':
      return 'This needs the enhanced verification. Send the customer to onboarding_link.'
    case 'max_purchase':
      return `With this payment the customer goes over ${year} EUR in 12 months.`
  }
}
