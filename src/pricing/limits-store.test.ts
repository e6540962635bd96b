import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { type Db, openDatabase } from '../db/database.ts'
import { readUsage } from './limits-store.ts'

const NOW = new Date('2026-06-26T10:30:00Z')

let database: TestDatabase
let db: Db
let integrationId: number

before(async () => {
  database = await createTestDatabase()
  db = openDatabase({ url: database.url, poolSize: 2, onPoolError: () => {} }).db
  const at = { createdAt: NOW, updatedAt: NOW }
  const made = await db
    .insertInto('integrations')
    .values({ name: 'x', settings: '{}', ...at })
    .returning('id')
    .executeTakeFirstOrThrow()
  integrationId = made.id
})
after(async () => {
  await db.destroy()
  await database.drop()
})

let customers = 0
let payments = 0

async function makeCustomer(): Promise<{ integrationId: number; customerId: number }> {
  customers += 1
  const { id } = await db
    .insertInto('customers')
    .values({
      integrationId,
      uuid: `00000000-0000-4000-8000-${String(customers).padStart(12, '0')}`,
      type: 'individual',
      personalSealed: Buffer.alloc(0),
      emailIndex: Buffer.from(String(customers)),
      kycReasons: '[]',
      kycUpdatedAt: NOW,
      createdAt: NOW,
      updatedAt: NOW,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return { integrationId, customerId: id }
}

type PaymentState =
  | 'started'
  | 'in_review'
  | 'coins_sent'
  | 'expired'
  | 'cancelled'
  | 'payment_rejected'
  | 'refunded'

async function makePayment(
  customer: { integrationId: number; customerId: number },
  payment: { limitUnits: bigint; paymentType?: string; state?: PaymentState; createdAt?: string },
): Promise<string> {
  payments += 1
  const id = `payment${payments}`
  await db
    .insertInto('payments')
    .values({
      ...customer,
      id,
      requestHash: Buffer.alloc(0),
      guided: true,
      paymentType: payment.paymentType ?? 'card',
      state: payment.state ?? 'started',
      fiat: 'EUR',
      fiatUnits: payment.limitUnits,
      limitUnits: payment.limitUnits,
      symbol: 'USDC',
      chain: 'polygon',
      coinUnits: 1n,
      price: '1.000000',
      feeUnits: 0n,
      networkFeeUnits: 0n,
      terms: '{}',
      createdAt: new Date(payment.createdAt ?? NOW),
      updatedAt: NOW,
    })
    .execute()
  return id
}

describe('readUsage', () => {
  test('a customer without payments has used nothing', async () => {
    assert.deepEqual(await readUsage(db, await makeCustomer(), NOW), { cardQuarterUnits: 0n, yearUnits: 0n })
  })

  test('adds up what is alive or was delivered, not what ended without coins', async () => {
    const customer = await makeCustomer()
    await makePayment(customer, { limitUnits: 1n })
    await makePayment(customer, { limitUnits: 10n, state: 'in_review' })
    await makePayment(customer, { limitUnits: 100n, state: 'coins_sent' })
    await makePayment(customer, { limitUnits: 1_000n, paymentType: 'psd2' })
    for (const state of ['expired', 'cancelled', 'payment_rejected', 'refunded'] as const) {
      await makePayment(customer, { limitUnits: 100_000n, state })
    }
    assert.deepEqual(await readUsage(db, customer, NOW), { cardQuarterUnits: 111n, yearUnits: 1_111n })
  })

  test('the quarter begins on 1 April, the year twelve months ago', async () => {
    const customer = await makeCustomer()
    await makePayment(customer, { limitUnits: 1n, createdAt: '2026-04-01T00:00:00Z' })
    await makePayment(customer, { limitUnits: 10n, createdAt: '2026-03-31T23:59:59.999Z' })
    await makePayment(customer, { limitUnits: 100n, createdAt: '2025-06-26T10:30:00.001Z' })
    await makePayment(customer, { limitUnits: 1_000n, createdAt: '2025-06-26T10:30:00Z' })
    assert.deepEqual(await readUsage(db, customer, NOW), { cardQuarterUnits: 1n, yearUnits: 111n })
  })

  test('counts nobody else’s payments, and leaves out the one that is judged anew', async () => {
    const customer = await makeCustomer()
    await makePayment(await makeCustomer(), { limitUnits: 5n })
    await makePayment(customer, { limitUnits: 1n })
    const again = await makePayment(customer, { limitUnits: 10n })
    assert.deepEqual(await readUsage(db, customer, NOW, again), { cardQuarterUnits: 1n, yearUnits: 1n })
  })
})
