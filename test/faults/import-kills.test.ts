import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { it } from 'node:test'
import { sql } from 'kysely'
import { IMPORTING } from '../../src/bank-accounts/lock-books.ts'
import { type Db, openDatabase } from '../../src/db/database.ts'
import { createSecrets } from '../../src/kernel/secrets.ts'
import { verifyBooks } from '../../src/ledger/verify.ts'
import { eventually } from '../support/app.ts'
import { createTestDatabase } from '../support/database.ts'
import { createRandom } from '../support/random.ts'
import { bytesOf, statementParts, writeCamt } from '../support/statement-writers.ts'
import { FULL } from './buyers.ts'

const ROOT = join(import.meta.dirname, '../..')
const SEED = 61
const LINES = FULL ? 50_000 : 12_000
const KILLS = FULL ? 12 : 2
const MASTER_KEY = 'a7'.repeat(16) + 'c4'.repeat(16)
const IBAN = 'ES9121000418450200051332'
const END_MS = 120_000

it(`${KILLS} kills of an import of ${LINES} lines, seed ${SEED}: imported again it is there exactly once`, async (context) => {
  const random = createRandom(SEED)
  const database = await createTestDatabase()
  const dataDir = mkdtempSync(join(tmpdir(), 'cryptopocket-import-'))
  const { db } = openDatabase({ url: database.url, poolSize: 2, onPoolError: () => {} })
  const running = new Set<ChildProcess>()
  try {
    await db
      .insertInto('bankAccounts')
      .values({
        iban: IBAN,
        integrationId: null,
        bic: 'CAIXESBBXXX',
        bankName: 'CaixaBank',
        holderName: 'Ramp SL',
        currency: 'EUR',
        statementRef: null,
        dueAt: null,
        leaseUntil: null,
        createdAt: new Date(0),
      })
      .execute()
    const path = join(dataDir, 'statement.xml')
    const parts = statementParts({ account: IBAN, lines: someLines })
    await pipeline(Readable.from(bytesOf(writeCamt(parts))), createWriteStream(path))
    const start = (): Import => startImport(running, { databaseUrl: database.url, dataDir, path })

    const count = async (): Promise<number> =>
      Number(
        (await db.selectFrom('bankTransactions').select(db.fn.countAll().as('n')).executeTakeFirstOrThrow())
          .n,
      )
    for (let kill = 0; kill < KILLS; kill += 1) {
      const { child, ended, output } = start()
      // Somewhere between its first line and its last.
      await eventually(
        'the import to begin',
        async () => child.exitCode !== null || (await isImporting(db)),
        END_MS,
      )
      await new Promise((resolve) => setTimeout(resolve, random.below(LINES / 12)))
      child.kill('SIGKILL')
      await ended
      const now = await count()
      assert.ok(now === 0 || now === LINES, `${now} lines after kill ${kill}: ${output()}`)
      context.diagnostic(`after kill ${kill + 1}: ${now} lines`)
    }
    for (const expected of [/ new |was imported before/, /was imported before/]) {
      const { child, ended, output } = start()
      await ended
      assert.equal(child.exitCode, 0, output())
      assert.match(output(), expected)
      assert.equal(await count(), LINES)
    }
    const imports = await db.selectFrom('statementImports').select(['storageKey', 'lines', 'added']).execute()
    assert.deepEqual(
      imports.map(({ lines, added }) => [lines, added]),
      [[LINES, LINES]],
    )
    // The file of the import is there; pieces of those that were killed go with the sweep of stored files.
    const kept = readdirSync(join(dataDir, 'files', 'statements'))
    assert.ok(kept.includes(imports[0]!.storageKey.slice('statements/'.length)))
    const secrets = createSecrets(Buffer.from(MASTER_KEY, 'hex'))
    assert.deepEqual((await verifyBooks({ db, secrets })).problems, [])
  } finally {
    for (const child of running) child.kill('SIGKILL')
    await db.destroy()
    await database.drop()
    rmSync(dataDir, { recursive: true, force: true })
  }
})

async function isImporting(db: Db): Promise<boolean> {
  const { rows } = await sql`
    select from pg_locks l join pg_database d on d.oid = l.database
     where d.datname = current_database() and l.locktype = 'advisory' and l.objid = ${IMPORTING}::oid and l.granted`.execute(
    db,
  )
  return rows.length > 0
}

function* someLines() {
  for (let n = 1; n <= LINES; n += 1) {
    yield { units: BigInt(100 + (n % 5_000)), concept: `Pago ${n}`, counterpartyName: `Persona ${n % 900}` }
  }
}

interface Import {
  child: ChildProcess
  ended: Promise<void>
  output(): string
}

/** The operator's command in a process of its own. */
function startImport(
  running: Set<ChildProcess>,
  { databaseUrl, dataDir, path }: { databaseUrl: string; dataDir: string; path: string },
): Import {
  const child = spawn(process.execPath, ['src/cli/main.ts', 'bank', 'import', path, '--who', 'tester'], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? tmpdir(),
      DATA_DIR: dataDir,
      DATABASE_URL: databaseUrl,
      MASTER_KEY,
      NO_COLOR: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const written: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => written.push(String(text)))
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      running.delete(child)
      resolve()
    })
  })
  return { child, ended, output: () => written.join('') }
}
