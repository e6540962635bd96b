import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/db/embedded.ts'
import { endNode } from '../../src/sandbox/chain/node-process.ts'
import { FULL } from './buyers.ts'
import { inSellWorld, type SellWorld } from './sell-world.ts'
import type { SaleCase } from './sellers.ts'

const SEED = 151
const KINDS: readonly SaleCase[] = ['exact', 'more', 'parts', 'less', 'wrong_coin', 'too_little']
const ROUNDS = FULL ? 4 : 1

it(`PostgreSQL and the chains' nodes restart while customers sell to two processes, seed ${SEED}: everything goes on by itself`, async (context) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'cryptopocket-restart-'))
  const start = (): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({ dataDir, exclusive: false, log: (text) => context.diagnostic(text) })
  let server = await start()
  const { url } = server
  const database = { url, drop: async () => {} }
  const restart = async (end: 'stop' | 'crash'): Promise<void> => {
    if (end === 'stop') await server.stop()
    else crash(server)
    // Nobody is told that it is back: the next start finds what is left of it.
    server = await start()
    assert.equal(server.url, url)
  }
  try {
    await inSellWorld(context, { seed: SEED, processes: 2, database }, async (world) => {
      const { children, random, say, sellers } = world
      const selling: Promise<unknown>[] = []
      const sellSome = (): void => {
        for (let n = 0; n < 4; n += 1) selling.push(sellers.sell({ kind: random.pick(KINDS) }))
      }
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const disturb of [
          () => restart('crash'),
          () => restartNode(world, 'polygon'),
          () => restart('stop'),
          () => restartNode(world, 'bsc'),
        ]) {
          sellSome()
          await new Promise((resolve) => setTimeout(resolve, random.below(2_500)))
          await disturb()
        }
        say(`round ${round + 1}: two restarts of PostgreSQL, one of each node`)
      }
      await Promise.all(selling)
      await world.closeWindows()
      await world.checkSales()
      for (const { exitCode, signalCode } of children) assert.deepEqual([exitCode, signalCode], [null, null])
    })
  } finally {
    await server.stop()
    for (const folder of [server.folder, dataDir]) rmSync(folder, { recursive: true, force: true })
  }
})

/** Every process of the server ends at once; the next start has to recover from its log. */
function crash({ folder }: EmbeddedPostgres): void {
  const pid = Number(readFileSync(join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0])
  process.kill(pid, 'SIGQUIT')
}

/** The node ends with its chain saved, and forgets what waits in its pool; the program starts it again. */
async function restartNode({ program }: SellWorld, chain: string): Promise<void> {
  const { pid } = program.nodes().find((node) => node.chain === chain)!
  const { saved } = await endNode(pid, 20_000)
  assert.ok(saved, `${chain} was not saved`)
}
