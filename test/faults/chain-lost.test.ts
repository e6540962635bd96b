import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import pg from 'pg'
import { killNode } from '../../src/sandbox/chain/node-process.ts'
import { eventually } from '../support/app.ts'
import type { Bought } from './buyers.ts'
import { endsInCoinsSent } from './invariants.ts'
import type { Program } from './program.ts'
import { inWorld } from './world.ts'

const SEED = 61
/** Tokens and the native coin of the chain that is lost, and one of a chain that is not. */
const PAIRS = [
  ['polygon', 'USDC'],
  ['polygon', 'POL'],
  ['bsc', 'USDC'],
] as const

it(`the sandbox's chain is lost while coins are under way, seed ${SEED}: a new epoch, nothing is stuck`, (context) =>
  inWorld(context, { seed: SEED }, async (world) => {
    const { program, buyers, say } = world
    await world.buyMany(5, { pairs: PAIRS })
    for (const one of buyers.bought) await endsInCoinsSent(buyers, one)
    say('five payments have their coins')
    const buying = world.buyMany(8, { pairs: PAIRS })
    await eventually('a payment to be under way', async () => buyers.bought.slice(5).some(({ paid }) => paid))
    loseChain(program, 'polygon')
    say('the chain is lost')
    await buying
    await world.buyMany(3, { pairs: PAIRS })
    for (const one of buyers.bought) await endsInCoinsSent(buyers, one)
    const sentTo = await epochsOf(program, buyers.bought)
    const onLostChain = new Set(
      buyers.bought
        .filter((one) => one.chain === 'polygon' && sentTo.get(one.paymentId!) === 1)
        .map((one) => one.externalId),
    )
    say(`${onLostChain.size} payments had got theirs on the lost chain`)
    assert.ok(buyers.bought.some(({ paymentId }) => sentTo.get(paymentId!) === 2))
    await world.check({ onLostChain })
    assert.equal((await fetch(`${program.url}/readyz`)).status, 200)
  }))

/** Ends the node unsaved and removes what it had saved. */
function loseChain(program: Program, chain: string): void {
  const { pid } = program.nodes().find((node) => node.chain === chain)!
  killNode(pid)
  rmSync(join(program.dataDir, 'chains', chain, 'state.json'), { force: true })
}

/** The epoch of the chain on which each payment's coins were sent. */
async function epochsOf(program: Program, bought: readonly Bought[]): Promise<Map<string, number>> {
  const client = new pg.Client({ connectionString: program.databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ reference: string; epoch: number }>(
      `select e.reference, t.epoch from effects e join chain_transactions t on t.id = e.transaction_id
        where e.kind = 'coin_transfer' and e.reference = any($1)`,
      [bought.map(({ paymentId }) => `payment:${paymentId}`)],
    )
    return new Map(rows.map(({ reference, epoch }) => [reference.slice('payment:'.length), Number(epoch)]))
  } finally {
    await client.end()
  }
}
