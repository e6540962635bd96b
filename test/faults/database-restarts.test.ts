import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/db/embedded.ts'
import { eventually } from '../support/app.ts'
import { FULL } from './buyers.ts'
import { inWorld } from './world.ts'

const SEED = 41
/** In order, as `pg_ctl restart` does it, and at once, as when the machine's memory ran out. */
const ENDS = FULL ? (['stop', 'crash', 'stop', 'crash', 'crash'] as const) : (['stop', 'crash'] as const)

it(`PostgreSQL restarts while customers buy, seed ${SEED}: everything goes on by itself`, async (context) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'cryptopocket-restart-'))
  const start = (): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({ dataDir, exclusive: false, log: (text) => context.diagnostic(text) })
  let server = await start()
  const { url } = server
  const database = { url, drop: async () => {} }
  try {
    await inWorld(context, { seed: SEED, processes: 2, database }, async (world) => {
      const { buyers, children, program, say } = world
      const buying: Promise<unknown>[] = []
      for (const end of ENDS) {
        for (let n = 0; n < 6; n += 1) buying.push(buyers.buy())
        await eventually('payments under way', async () => buyers.bought.at(-3)?.paymentId, 60_000)
        if (end === 'stop') await server.stop()
        else crash(server)
        // Nobody is told that it is back: the next start finds what is left of it.
        server = await start()
        assert.equal(server.url, url)
        say(`PostgreSQL is back after a ${end}`)
        buying.push(buyers.buy())
      }
      await Promise.all(buying)
      await world.check()
      for (const { exitCode, signalCode } of children) {
        assert.deepEqual([exitCode, signalCode], [null, null], program.output())
      }
      await eventually('the program to be ready', async () => (await fetch(`${program.url}/readyz`)).ok)
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
