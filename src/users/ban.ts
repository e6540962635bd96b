import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import { type Customer, findCustomerAnywhere, lockCustomer, updateBan } from './customer-store.ts'
import type { Operator } from './review.ts'

type Needs = Pick<App, 'db' | 'clock'>

/** Bans a customer, whose purchases are then refused. Undefined when there is no such customer; banning twice is once. */
export function banCustomer(
  app: Needs,
  customerId: number,
  operator: Operator,
): Promise<Customer | undefined> {
  return setBan(app, customerId, operator, true)
}

/** Undefined when there is no such customer; a customer who is not banned stays so. */
export function unbanCustomer(
  app: Needs,
  customerId: number,
  operator: Operator,
): Promise<Customer | undefined> {
  return setBan(app, customerId, operator, false)
}

async function setBan(
  { db, clock }: Needs,
  customerId: number,
  { who, why }: Operator,
  banned: boolean,
): Promise<Customer | undefined> {
  return db.transaction().execute(async (trx) => {
    const found = await findCustomerAnywhere(trx, customerId)
    const customer = found && (await lockCustomer(trx, found.integrationId, found.id))
    if (!customer || (customer.bannedAt !== null) === banned) return customer
    const now = clock.now()
    const bannedAt = banned ? now : null
    await updateBan(trx, now, customer, { bannedAt, bannedReason: banned ? why : null })
    await recordAudit(trx, now, {
      who,
      why,
      action: banned ? 'customer.ban' : 'customer.unban',
      target: `customer:${customer.id}`,
      before: { bannedAt: customer.bannedAt },
      after: { bannedAt },
    })
    return { ...customer, bannedAt }
  })
}
