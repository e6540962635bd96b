import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { amountOf } from '../../src/money/amount.ts'
import { findAsset } from '../../src/money/asset.ts'
import { eventually } from '../support/app.ts'
import { arrivedOnChain, type Buyers } from './buyers.ts'
import type { Program } from './program.ts'
import type { FaultyReceiver } from './receiver.ts'

const ROOT = join(import.meta.dirname, '../..')

/**
 * What must hold however the program was treated: every paid payment ends in `coins_sent`; each wallet got exactly its
 * amount, in one transfer; each event was heard under one id; the books are right, against the chains too.
 */
export async function checkInvariants(
  program: Program,
  buyers: Buyers,
  receiver: FaultyReceiver,
  withinMs = 120_000,
): Promise<void> {
  for (const one of buyers.bought) assert.ok(one.paid, `${one.externalId} was not paid`)
  const payments = new Map<string, { coin_amount_exact: string; txid: string }>()
  for (const one of buyers.bought) {
    const payment = await eventually(
      `payment ${one.paymentId} (${one.externalId}, ${one.chain} ${one.symbol}) to end in coins_sent`,
      async () => {
        const { data } = await buyers.api('GET', `/api/payment/${one.paymentId}`)
        return data?.status === 'coins_sent' && data
      },
      withinMs,
    )
    payments.set(one.externalId, payment)
  }
  const { data: sandbox } = await buyers.api('GET', '/api/sandbox')
  for (const one of buyers.bought) {
    const { rpc_url: rpcUrl, tokens } = sandbox.chains.find(
      ({ chain }: { chain: string }) => chain === one.chain,
    )
    const asset = findAsset(one.chain, one.symbol)
    assert.ok(asset)
    const asked = amountOf(payments.get(one.externalId)?.coin_amount_exact as string, asset)
    assert.deepEqual(
      await arrivedOnChain(rpcUrl, tokens, one),
      { units: asked, transfers: 1 },
      `wallet of ${one.externalId} (${one.paymentId})`,
    )
  }
  for (const one of buyers.bought) {
    for (const type of ['PAY_IN', 'COINS_SENT']) {
      const ids = await eventually(
        `${type} of ${one.paymentId}`,
        async () => receiver.seen.get(`${type} ${one.paymentId}`),
        withinMs,
      )
      assert.equal(ids.size, 1, `${type} of ${one.paymentId} came under ${[...ids]}`)
    }
  }
  const { code, output } = await runCli(program, ['ledger', 'verify'])
  assert.equal(code, 0, output)
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
