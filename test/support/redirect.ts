import assert from 'node:assert/strict'
import type { Selectable } from 'kysely'
import type { PaymentSessionsTable } from '../../src/db/schema.ts'
import { addFaults, type FaultKind, type FaultProvider } from '../../src/providers/faults.ts'
import { addCustomer, type PaymentWorld, WALLET } from './payments.ts'

/** What is bought by PayPal and by each local method: currency and amount, worth about a hundred euros. */
export const ORDERS = {
  paypal: ['EUR', '100.00'],
  KHIPU: ['CLP', '100000'],
  SPEI: ['MXN', '2500.00'],
  PSE: ['COP', '450000.00'],
  PAGOEFECTIVO: ['PEN', '400.00'],
  CVU: ['ARS', '160000.50'],
} as const
export type Order = keyof typeof ORDERS

/** Creates a payment of a new customer on the integrator's own page. */
export async function createOrder(
  t: PaymentWorld,
  type: Order,
  fields: Record<string, unknown> = {},
): Promise<{ id: string; url: string }> {
  const [fiat_symbol, fiat_amount] = ORDERS[type]
  const body = {
    user_id: await addCustomer(t.app),
    payment_type: type,
    fiat_symbol,
    fiat_amount,
    coin_symbol: 'USDC',
    ...(type === 'paypal' ? { coin_chain: 'polygon' } : {}),
    wallet: WALLET,
    ...fields,
  }
  const answer = await t.api('POST', '/api/createPayment', { body })
  assert.equal(answer.body.message, 'payment_created', JSON.stringify(answer.body))
  return { id: answer.body.data.payment_id, url: answer.body.data.url_payment }
}

/** The payment's latest session. */
export const sessionOf = (t: PaymentWorld, paymentId: string): Promise<Selectable<PaymentSessionsTable>> =>
  t.app.db
    .selectFrom('paymentSessions')
    .selectAll()
    .where('paymentId', '=', paymentId)
    .orderBy('createdAt', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow()

export const orderFault = (
  t: PaymentWorld,
  provider: FaultProvider,
  kind: FaultKind,
  count = 1,
): Promise<void> => addFaults(t.app, { provider, kind, count })
