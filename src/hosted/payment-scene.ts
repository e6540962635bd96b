import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { IntegrationSettings } from '../common/integration.ts'
import { coinsPurpose, type Payment } from '../onramp/payment.ts'
import { findPaymentById } from '../onramp/payment-store.ts'
import { isLive, loadSessions, type Session } from '../onramp/session-store.ts'
import type { Usage } from '../pricing/limits.ts'
import { readUsage } from '../pricing/limits-store.ts'
import { fail } from '../server/errors.ts'

/** What a payment page is drawn from. */
export interface PaymentScene {
  payment: Payment
  settings: IntegrationSettings
  kycLevel: 'none' | 'basic' | 'reinforced'
  /** What counts against the customer's limits besides this payment. */
  usage: Usage
  /** The latest visit to a provider of the present method; null when there was none. */
  session: Session | null
  coins: Coins | null
  version: string
}

/** The coins on their way, as the effects' tables have them. */
export interface Coins {
  state: string
  reason: string | null
  txid: string | null
  transactionState: string | null
  blockHeight: number | null
  chainHeight: number
  sentAt: Date | null
  confirmedAt: Date | null
  changedAt: Date
}

type Needs = Pick<App, 'db' | 'clock'>

/** While the price has run out, another one is offered this often. */
const OFFER_MS = 30_000

export async function getPaymentScene(app: Needs, id: string): Promise<PaymentScene> {
  const payment = (await findPaymentById(app.db, id)) ?? notFound()
  const { integrationId, customerId } = payment
  const [facts, sessions, coins, usage] = await Promise.all([
    app.db
      .selectFrom('integrations')
      .innerJoin('customers', 'customers.integrationId', 'integrations.id')
      .select(['integrations.settings', 'integrations.version', 'customers.kycLevel'])
      .where('integrations.id', '=', integrationId)
      .where('customers.id', '=', customerId)
      .executeTakeFirstOrThrow(),
    loadSessions(app.db, [id]),
    findCoins(app.db, id),
    payment.state === 'started'
      ? readUsage(app.db, { integrationId, customerId }, app.clock.now(), id)
      : { cardQuarterUnits: 0n, yearUnits: 0n },
  ])
  return {
    payment,
    settings: facts.settings as IntegrationSettings,
    kycLevel: facts.kycLevel,
    usage,
    session: sessions.filter(({ paymentType }) => paymentType === payment.paymentType).at(-1) ?? null,
    coins,
    version: versionOf(payment, facts.version, coins?.changedAt ?? null, app.clock.now()),
  }
}

async function findCoins(db: App['db'], paymentId: string): Promise<Coins | null> {
  const { rows } = await sql<Coins>`
    select e.state, e.reason, coalesce(e.txid, t.hash) as txid, t.state as transaction_state, t.block_height,
           coalesce(c.checkpoint_height, 0) as chain_height, t.created_at as sent_at, e.confirmed_at,
           greatest(e.updated_at, t.updated_at) as changed_at
      from effects e
      left join chain_transactions t on t.id = e.transaction_id
      left join chains c on c.chain = t.chain
     where e.purpose = ${coinsPurpose(paymentId)}`.execute(db)
  return rows[0] ?? null
}

/** The view's version alone, by one small query: what long polls ask again and again. */
export async function getPaymentVersion(app: Needs, id: string): Promise<string> {
  const { rows } = await sql<
    Pick<Payment, 'version' | 'state' | 'priceExpiresAt'> & {
      settingsVersion: number
      changedAt: Date | null
    }
  >`
    select p.version, p.state, p.price_expires_at, i.version as settings_version,
           greatest(e.updated_at, t.updated_at) as changed_at
      from payments p join integrations i on i.id = p.integration_id
      left join effects e on e.purpose = ${coinsPurpose(id)}
      left join chain_transactions t on t.id = e.transaction_id
     where p.id = ${id}`.execute(app.db)
  const row = rows[0] ?? notFound()
  return versionOf(row, row.settingsVersion, row.changedAt, app.clock.now())
}

/** Changes whenever the view does: with a row it is drawn from, or by time alone, when a price runs out. */
function versionOf(
  payment: Pick<Payment, 'version' | 'state' | 'priceExpiresAt'>,
  settingsVersion: number,
  coinsChangedAt: Date | null,
  now: Date,
): string {
  const parts = [
    payment.version,
    settingsVersion,
    coinsChangedAt?.getTime() ?? 0,
    payment.state === 'started' ? offerNumber(payment.priceExpiresAt, now) : 0,
  ]
  return createHash('sha256').update(parts.join('.')).digest('base64url').slice(0, 16)
}

/** 0 while the price holds; grows while it has run out, so that the page shows what is offered by then. */
function offerNumber(priceExpiresAt: Date | null, now: Date): number {
  if (!priceExpiresAt || priceExpiresAt > now) return 0
  return 1 + Math.floor((now.getTime() - priceExpiresAt.getTime()) / OFFER_MS)
}

/** The price can't be taken any more, and no provider's session was begun while it could. */
export function hasPriceRunOut(
  { payment, session }: Pick<PaymentScene, 'payment' | 'session'>,
  now: Date,
): boolean {
  if (payment.state !== 'started' || payment.paymentType === 'transfer') return false
  const begun = session !== null && isLive(session)
  return !begun && payment.priceExpiresAt !== null && payment.priceExpiresAt <= now
}

export const paymentNews = (id: string): string => `payment:${id}`

export function notFound(): never {
  fail('payment_not_found', 'There is no such payment. Ask whoever sent you the link for a new one.')
}
