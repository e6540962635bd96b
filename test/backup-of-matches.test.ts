import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import pg from 'pg'
import { importStatement } from '../src/bank-accounts/import-statement.ts'
import { bankLineLane } from '../src/bank-accounts/match-lines.ts'
import { openStatement } from '../src/bank-accounts/statements/detect-format.ts'
import { backup, restore } from '../src/db/backup.ts'
import { inventBankLines } from './support/bank-lines-generator.ts'
import { createEmptyDatabase, type TestDatabase } from './support/database.ts'
import { putPayments } from './support/matching-world.ts'
import { bytesOf, statementParts, writeCamt } from './support/statement-writers.ts'
import { startTemplateWorld, type TemplateWorld } from './support/template-world.ts'

const LINES = 300

let world: TemplateWorld
let into: TestDatabase
const folder = mkdtempSync(join(tmpdir(), 'cryptopocket-backup-'))
before(async () => {
  ;[world, into] = await Promise.all([startTemplateWorld(), createEmptyDatabase()])
})
after(async () => {
  await Promise.all([world.t.stop(), into.drop()])
  rmSync(folder, { recursive: true, force: true })
})

/** How many rows each table has. */
async function countRows(url: string): Promise<Record<string, number>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'simulated') order by 1`,
    )
    const counts: Record<string, number> = {}
    for (const { name } of tables) {
      const { rows } = await client.query<{ count: number }>(`select count(*)::integer as count from ${name}`)
      counts[name] = rows[0]!.count
    }
    return counts
  } finally {
    await client.end()
  }
}

it('a platform that has statements, matches and what is proposed is restored whole', async () => {
  const { t, iban, templateId } = world
  const invented = inventBankLines(4, LINES, t.app.clock.now())
  await putPayments(t.app, invented, { iban, templateId })
  const parts = statementParts({
    account: iban,
    on: invented.lines.at(-1)!.bookedAt.toISOString().slice(0, 10),
    *lines() {
      for (const { ref, ...line } of invented.lines) yield { ...line, bankRef: ref }
    },
  })
  await importStatement(t.app, {
    fileName: 'lines.xml',
    bytes: bytesOf(writeCamt(parts)),
    source: 'command',
    who: 'tester',
    open: openStatement,
  })
  const lane = bankLineLane(t.app)
  while ((await lane.step()) > 0);
  const file = join(folder, 'state.cpbackup')
  const url = t.app.pool.options.connectionString!
  await backup(url, file, t.app.clock.now())
  await restore(into.url, file, { replace: false })
  const before = await countRows(url)
  for (const table of [
    'bank_matches',
    'bank_suggestions',
    'statement_lines',
    'postings',
    'effects',
    'events',
  ])
    assert.ok(before[`public.${table}`]! > 0, table)
  assert.deepEqual(await countRows(into.url), before)
})
