import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { it } from 'node:test'
import pg from 'pg'
import { eventually } from '../../support/app.ts'
import { arrivedOnChain, type Bought } from '../buyers.ts'
import { endsInCoinsSent, runCli } from '../invariants.ts'
import { type FaultWorld, inWorld } from '../world.ts'

const SEED = 51
const PAIRS = [['polygon', 'USDC']] as const
const WHY = ['--who', 'operator', '--why', 'a test']

it(`a database restored to an older state, seed ${SEED}: the wallet halts, says why, and sends nothing twice`, (context) =>
  inWorld(context, { seed: SEED }, async (world) => {
    const { buyers, program, children, say } = world
    const backup = join(program.dataDir, 'older.cpbackup')
    await world.buyMany(2, { pairs: PAIRS })
    for (const one of buyers.bought) await endsInCoinsSent(buyers, one)

    // Money is in and no coin has left when the backup is made.
    await cli(world, 'pause', 'dispatch', ...WHY)
    await world.buyMany(3, { pairs: PAIRS })
    const open = buyers.bought.slice(2)
    for (const one of open) await isReceived(world, one)
    await cli(world, 'backup', backup)

    // What the backup will not know: one transfer is given up, the others are paid.
    const [givenUp, ...paid] = open as [Bought, ...Bought[]]
    await cli(world, 'effects', 'cancel', await effectOf(world, givenUp), ...WHY)
    await cli(world, 'resume', 'dispatch', ...WHY)
    const txids = new Map<string, string>()
    for (const one of paid) txids.set(one.paymentId!, (await endsInCoinsSent(buyers, one)).txid)
    say('two payments are sent that the backup does not know as sent')

    await end(children[0]!)
    await cli(world, 'restore', '--replace', backup)
    await cli(world, 'resume', 'dispatch', ...WHY)
    children[0] = await program.start()
    const reason = await eventually('the wallet to halt', () => haltReason(world))
    assert.match(reason, /nonce_ahead/)
    const doors = await cli(world, 'doors', 'list')
    const door = /^(wallet:polygon:\S+) +halted .*nonce_ahead/m.exec(doors)?.[1]
    assert.ok(door, doors)
    say('the wallet is halted')
    await stayAsTheyAre(world, open)

    const resolved = await cli(world, 'doors', 'resolve', door, ...WHY)
    const doubted = await Promise.all(open.map((one) => effectOf(world, one)))
    for (const id of doubted) assert.ok(resolved.includes(id), `${id} is not to be decided: ${resolved}`)
    const listed = await cli(world, 'effects', 'list', '--state', 'parked')
    for (const id of doubted) assert.ok(listed.includes(id), `${id} is not shown: ${listed}`)
    await stayAsTheyAre(world, open)
    for (const one of paid)
      await cli(world, 'effects', 'confirm', await effectOf(world, one), txids.get(one.paymentId!)!, ...WHY)
    await cli(world, 'effects', 'retry', await effectOf(world, givenUp), ...WHY)
    await world.buyMany(2, { pairs: PAIRS })
    // The restored platform tells of what it had told before, under other ids: it can't know.
    await world.check({ events: false })
    assert.equal((await fetch(`${program.url}/readyz`)).status, 200)
  }))

async function cli({ program }: FaultWorld, ...args: string[]): Promise<string> {
  const { code, output } = await runCli(program, args)
  assert.equal(code, 0, `${args.join(' ')}: ${output}`)
  return output
}

function isReceived({ buyers }: FaultWorld, { paymentId }: Bought): Promise<boolean> {
  return eventually(`the money of ${paymentId}`, async () => {
    const { data } = await buyers.api('GET', `/api/payment/${paymentId}`)
    return data.status === 'payment_received'
  })
}

/** The id of the transfer of a payment's coins. */
async function effectOf({ program }: FaultWorld, { paymentId }: Bought): Promise<string> {
  const client = new pg.Client({ connectionString: program.databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ id: string }>(
      "select id from effects where kind = 'coin_transfer' and reference = $1",
      [`payment:${paymentId}`],
    )
    assert.equal(rows.length, 1)
    return rows[0]!.id
  } finally {
    await client.end()
  }
}

async function haltReason({ program }: FaultWorld): Promise<string | undefined> {
  const response = await fetch(`${program.url}/readyz`)
  const { waiting } = (await response.json()) as { waiting: { what: string; why: string }[] }
  const halted = waiting.find(
    ({ what, why }) => what.startsWith('door wallet:polygon') && why.includes('halted'),
  )
  if (halted) assert.equal(response.status, 503)
  return halted?.why
}

/** For some looks of every lane no wallet gets anything. */
async function stayAsTheyAre({ buyers }: FaultWorld, open: readonly Bought[]): Promise<void> {
  const { data } = await buyers.api('GET', '/api/sandbox')
  const { rpc_url: rpcUrl, tokens } = data.chains.find(({ chain }: { chain: string }) => chain === 'polygon')
  const look = () => Promise.all(open.map((one) => arrivedOnChain(rpcUrl, tokens, one)))
  const before = await look()
  assert.deepEqual(
    before.map(({ transfers }) => transfers),
    [0, 1, 1],
  )
  for (let times = 0; times < 5; times += 1) {
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.deepEqual(await look(), before)
  }
}

async function end(child: ChildProcess): Promise<void> {
  await new Promise((resolve) => {
    child.once('exit', resolve)
    child.kill('SIGTERM')
  })
}
