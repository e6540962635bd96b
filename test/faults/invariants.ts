import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { amountOf } from '../../src/money/amount.ts'
import { findAsset } from '../../src/money/asset.ts'
import { eventually } from '../support/app.ts'
import { arrivedOnChain, type Bought, type Buyers } from './buyers.ts'
import type { Program } from './program.ts'
import type { FaultyReceiver } from './receiver.ts'

const ROOT = join(import.meta.dirname, '../..')

export interface Expected {
  /** False when a restored database tells again what it told before. */
  events?: boolean
  /** Payments whose coins went to a chain that is lost. */
  onLostChain?: ReadonlySet<string>
  withinMs?: number
}

/**
 * What must hold however the program was treated: every paid payment ends in `coins_sent`; each wallet got exactly its
 * amount, in one transfer; each event was heard under one id; the books are right, against the chains too.
 */
export async function checkInvariants(
  program: Program,
  buyers: Buyers,
  receiver: FaultyReceiver,
  { events = true, onLostChain = new Set(), withinMs = 120_000 }: Expected = {},
): Promise<void> {
  const amounts = new Map<Bought, string>()
  for (const one of buyers.bought) {
    assert.ok(one.paid, `${one.externalId} was not paid`)
    const { coin_amount_exact: amount } = await endsInCoinsSent(buyers, one, withinMs)
    amounts.set(one, amount)
  }
  const { data: sandbox } = await buyers.api('GET', '/api/sandbox')
  for (const [one, amount] of amounts) {
    const { rpc_url: rpcUrl, tokens } = sandbox.chains.find(
      ({ chain }: { chain: string }) => chain === one.chain,
    )
    const asset = findAsset(one.chain, one.symbol)
    assert.ok(asset)
    const lost = onLostChain.has(one.externalId)
    assert.deepEqual(
      await arrivedOnChain(rpcUrl, tokens, one),
      lost ? { units: 0n, transfers: 0 } : { units: amountOf(amount, asset), transfers: 1 },
      `wallet of ${one.externalId} (${one.paymentId})`,
    )
  }
  if (events) for (const one of buyers.bought) await isToldOnce(receiver, one, withinMs)
  const { code, output } = await runCli(program, ['ledger', 'verify'])
  assert.equal(code, 0, output)
}

/** Waits until the payment is `coins_sent` and answers it. */
export function endsInCoinsSent(buyers: Buyers, one: Bought, withinMs = 120_000) {
  return eventually(
    `payment ${one.paymentId} (${one.externalId}, ${one.chain} ${one.symbol}) to end in coins_sent`,
    async () => {
      const { data } = await buyers.api('GET', `/api/payment/${one.paymentId}`)
      return data?.status === 'coins_sent' && data
    },
    withinMs,
  )
}

async function isToldOnce(receiver: FaultyReceiver, { paymentId }: Bought, withinMs: number): Promise<void> {
  for (const type of ['PAY_IN', 'COINS_SENT']) {
    const ids = await eventually(
      `${type} of ${paymentId}`,
      async () => receiver.seen.get(`${type} ${paymentId}`),
      withinMs,
    )
    assert.equal(ids.size, 1, `${type} of ${paymentId} came under ${[...ids]}`)
  }
}

/** Runs an operator's command against the program's database. */
export function runCli(program: Program, args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['src/cli/main.ts', ...args],
      { cwd: ROOT, env: program.env, maxBuffer: 1e8 },
      (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr })
      },
    )
  })
}
