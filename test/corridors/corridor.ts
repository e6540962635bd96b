import { createPublicClient, erc20Abi, type Hex, http } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { type Company, createCompany } from '../../examples/remittance/company.ts'
import { type Browser, openBrowser } from '../../examples/remittance/customer.ts'
import { type Receiver, startReceiver } from '../../examples/remittance/receiver.ts'
import type { Environment } from '../../src/kernel/config.ts'
import { eventually, startTestApp, type TestApp } from '../support/app.ts'

/** A remittance company beside a running platform: its client, its webhook receiver, its customers' browsers. */
export interface Corridor {
  test: TestApp
  company: Company
  receiver: Receiver
  browser(): Browser
  /** Registers a customer and has the sandbox verify it. */
  verifiedCustomer(email?: string): Promise<number>
  /** Creates a guided payment with sensible defaults. */
  guidedPayment(fields: Record<string, unknown>): Promise<{ payment_id: string; gateway_url: string }>
  payment(id: string): Promise<PaymentObject>
  /** Waits until the payment is in this state. */
  reaches(id: string, status: string): Promise<PaymentObject>
  newWallet(): Hex
  /** USDC on polygon in a wallet, read at the chain itself. */
  usdcOf(wallet: Hex): Promise<bigint>
  /** Moves the platform's clock and logs in again, as tokens age too. */
  advance(duration: string): Promise<void>
  stop(): Promise<void>
}

// biome-ignore lint/suspicious/noExplicitAny: a payment object has many fields; each test compares those it is about.
export type PaymentObject = Record<string, any>

const WEBHOOKS = [
  'KYC_VALID',
  'PAY_IN',
  'COINS_SENT',
  'PAYMENT_EXPIRED',
  'PAYMENT_CANCELLED',
  'PAYMENT_REFUNDED',
  'PAYMENT_REJECTED',
  'PAYMENT_IN_REVIEW',
  'PAYMENT_CHARGED_BACK',
]

export async function openCorridor({ env }: { env?: Environment } = {}): Promise<Corridor> {
  const test = await startTestApp({ env })
  const company = createCompany(test.url, 'sandbox-key', 'sandbox-secret')
  await company.authenticate()
  const receiver = await startReceiver('sandbox-secret', () => {})
  for (const type of WEBHOOKS)
    await company.call('POST', '/api/subscribeToWebhook', { type, url: receiver.url })
  let customers = 0
  const corridor: Corridor = {
    test,
    company,
    receiver,
    browser: () => openBrowser(test.url),
    async verifiedCustomer(email = `customer${(customers += 1)}@example.com`) {
      const { id } = await company.call<{ id: number }>('POST', '/api/registerUser', {
        name: 'Ana',
        last_name: 'García',
        email,
        country: 'ES',
      })
      await company.call('POST', '/api/sandbox/kyc', { user_id: id, outcome: 'valid' })
      await eventually(
        'the customer to be verified',
        async () => (await company.call('GET', '/api/kyc/check', { user_id: id })).kyc_status === 'valid',
      )
      return id
    },
    guidedPayment: (fields) =>
      company.call('POST', '/api/createGuidedPayment', {
        coin_symbol: 'USDC',
        coin_chain: 'polygon',
        fiat_amount: '100.00',
        ...fields,
      }),
    payment: (id) => company.call<PaymentObject>('GET', `/api/payment/${id}`),
    reaches: (id, status) =>
      eventually(
        `payment ${id} to be ${status}`,
        async () => {
          const payment = await corridor.payment(id)
          return payment.status === status && payment
        },
        20_000,
      ),
    newWallet: () => privateKeyToAddress(generatePrivateKey()),
    async usdcOf(wallet) {
      const { chains } = await company.call<{
        chains: { chain: string; rpc_url: string; tokens: Record<string, Hex> }[]
      }>('GET', '/api/sandbox')
      const polygon = chains.find(({ chain }) => chain === 'polygon')
      const client = createPublicClient({ transport: http(polygon?.rpc_url) })
      return client.readContract({
        address: polygon?.tokens.USDC as Hex,
        abi: erc20Abi,
        functionName: 'balanceOf',
        args: [wallet],
      })
    },
    async advance(duration) {
      await company.call('POST', '/api/sandbox/clock', { advance: duration })
      await company.authenticate()
    },
    async stop() {
      await receiver.stop()
      await test.stop()
    },
  }
  return corridor
}

/** "148.320000" USDC in base units. */
export const usdcUnits = (exact: string): bigint => BigInt(exact.replace('.', ''))
