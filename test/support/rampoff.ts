import assert from 'node:assert/strict'
import { sql } from 'kysely'
import type { ApiAnswer, TestApp } from './app.ts'

/** An account of somebody at another bank. */
export const CUSTOMER_IBAN = 'ES9121000418450200051332'

/** The body of a sale that is right in every field. */
export const saleBody = (userId: number, changes: Record<string, unknown> = {}) => ({
  user_id: userId,
  amount: '100',
  symbol: 'USDC',
  blockchain: 'polygon',
  iban: CUSTOMER_IBAN,
  ...changes,
})

/** Creates a sale by the API; fails when it is refused. */
export async function createRampoff(
  t: TestApp,
  userId: number,
  changes: Record<string, unknown> = {},
): Promise<{ id: string; wallet: string; expires_at: string; amount_units: string }> {
  const { body } = await t.api('POST', '/api/createRampoff', { body: saleBody(userId, changes) })
  assert.equal(body.data?.rampoff, 'payment created', JSON.stringify(body))
  return body.data
}

export const getRampoff = async (t: TestApp, id: string): Promise<ApiAnswer['body']> =>
  (await t.api('GET', `/api/getRampoff?id=${id}`)).body.data

/** A quote of 100 USDC on Polygon in EUR, unless told. */
export async function quoteSale(
  t: TestApp,
  query: Record<string, string> = {},
): Promise<Record<string, string>> {
  const asked = new URLSearchParams({ amount: '100', symbol: 'USDC', ...query })
  const { body } = await t.api('GET', `/api/rampoff/quote?${asked}`)
  assert.equal(body.status, 'ok', JSON.stringify(body))
  return body.data
}

/** How many sales and wallets there are: what a refused creation must leave as it was. */
export async function countSales({ app }: TestApp): Promise<number[]> {
  const { rows } = await sql<{ sales: number; wallets: number }>`
    select (select count(*) from sales) as sales, (select count(*) from wallets) as wallets`.execute(app.db)
  return [Number(rows[0]!.sales), Number(rows[0]!.wallets)]
}
