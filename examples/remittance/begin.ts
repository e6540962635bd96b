import { createPublicClient, erc20Abi, http } from 'viem'
import type { Company } from './company.ts'
import { fillVerification, openBrowser } from './customer.ts'
import type { Receiver } from './receiver.ts'
import { shorten, step } from './show.ts'

/** What both flows begin with. */
export interface Scene {
  /** Where the server is. */
  url: string
  company: Company
  receiver: Receiver
  /** What puts things of the company back as they were before; run at the end, the last first. */
  undo: (() => Promise<unknown>)[]
}

export async function authenticate({ company }: Scene): Promise<void> {
  await step(
    'Authenticate',
    'POST /api/authenticate',
    () => company.authenticate(),
    () => 'a token for 24 hours',
  )
}

interface Subscription {
  type: string
  url: string
}

/** The older name of a webhook is the same subscription: whoever names the other one has it sent under that. */
const OLDER_NAMES: Readonly<Record<string, string>> = { RAMPOFF_FINISHED: 'TRANSFER_RAMPOFF_FINISHED' }
const newerName = (type: string): string => OLDER_NAMES[type] ?? type

/** Has these webhooks sent to the demo's receiver until the demo ends. */
export async function subscribe({ company, receiver, undo }: Scene, types: readonly string[]): Promise<void> {
  await step(
    'Subscribe to webhooks',
    'POST /api/subscribeToWebhook',
    async () => {
      const known = await company.call<Subscription[]>('GET', '/api/webhooks/subscriptions')
      for (const type of types) {
        const before = known.find((one) => newerName(one.type) === newerName(type))
        const path = before ? '/api/updateWebhookSubscription' : '/api/subscribeToWebhook'
        await company.call('POST', path, { type, url: receiver.url })
        undo.push(() =>
          before
            ? company.call('POST', '/api/updateWebhookSubscription', { type: before.type, url: before.url })
            : company.call('POST', '/api/unsubscribeFromWebhook', { type }),
        )
      }
    },
    () => types.join(', '),
  )
}

/** Registers a customer, who then verifies on our page; answers its number. */
export async function registerCustomer({ url, company, receiver }: Scene): Promise<number> {
  const customer = await step(
    'Register the customer',
    'POST /api/registerUser',
    () =>
      company.call<{ id: number; kyc_form_url: string }>('POST', '/api/registerUser', {
        name: 'Lucía',
        last_name: 'Fernández Ruiz',
        email: `lucia.${Date.now()}@example.com`,
        country: 'ES',
      }),
    (data) => `customer ${data.id}, form ${shorten(data.kyc_form_url)}`,
  )
  await step(
    'The customer verifies on our page',
    shorten(customer.kyc_form_url),
    async () => {
      await fillVerification(openBrowser(url), customer.kyc_form_url)
      await receiver.waitFor('KYC_VALID', (event) => Number(event.data.user_id) === customer.id)
      return company.call<{ kyc_status: string; kyc_level: string }>('GET', '/api/kyc/check', {
        user_id: customer.id,
      })
    },
    (data) => `kyc_status ${data.kyc_status}, level ${data.kyc_level}`,
  )
  return customer.id
}

/** The sandbox's polygon, and the address of its USDC. */
export interface Polygon {
  chainId: number
  rpcUrl: string
  usdc: `0x${string}`
  /** USDC in a wallet in base units, read at the chain itself, not from us. */
  balanceOf(wallet: `0x${string}`): Promise<bigint>
}

export async function findPolygon({ company }: Scene): Promise<Polygon> {
  const sandbox = await company.call<{
    chains: { chain: string; chain_id: number; rpc_url: string; tokens: Record<string, `0x${string}`> }[]
  }>('GET', '/api/sandbox')
  const polygon = sandbox.chains.find(({ chain }) => chain === 'polygon')
  const usdc = polygon?.tokens.USDC
  if (!polygon || !usdc) throw new Error('The sandbox names no USDC on polygon.')
  const client = createPublicClient({ transport: http(polygon.rpc_url) })
  return {
    chainId: polygon.chain_id,
    rpcUrl: polygon.rpc_url,
    usdc,
    balanceOf: (wallet) =>
      client.readContract({ address: usdc, abi: erc20Abi, functionName: 'balanceOf', args: [wallet] }),
  }
}

export function checkSignatures({ receiver }: Scene): void {
  const wrong = receiver.received.filter((event) => !event.signatureIsValid)
  if (wrong.length > 0) throw new Error(`${wrong.length} webhooks had a wrong signature.`)
}
