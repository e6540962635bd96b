import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { runCommand } from '../../test/support/cli.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { CSV_MAPPING, statementParts, writeCamt, writeCsv } from '../../test/support/statement-writers.ts'

let platform: TestApp
let folder: string
let iban: string
before(async () => {
  platform = await startTestApp({ lanes: false, localChains: false, env: NO_CHAINS })
  folder = mkdtempSync(join(platform.config.dataDir, 'statements-'))
  iban = (await platform.app.db.selectFrom('bankAccounts').select('iban').limit(1).executeTakeFirstOrThrow())
    .iban
})
after(() => platform.stop())
after(() => rmSync(folder, { recursive: true, force: true }))

const cli = (...args: string[]) => runCommand(platform, 'bank', ...args)

function put(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const booked = async (): Promise<number> =>
  (await platform.app.db.selectFrom('bankTransactions').select('id').execute()).length

test('an operator tries a statement, imports it, lists it and has it written out, which is recorded', async () => {
  const parts = statementParts({ account: iban, lines: () => [{ units: 1_234n, concept: 'Pago' }] })
  const good = put('good.xml', [...writeCamt(parts)].join(''))
  const tried = await cli('import', good, '--dry-run')
  assert.match(tried.text, /camt\.053\.001\.08, 1 line, 1 new \(dry run, nothing is kept\)/)
  assert.deepEqual([tried.code, await booked()], [0, 0])

  const bad = put('bad.xml', readFileSync(good, 'utf8').replace('</Ntry>', '</Nrty>'))
  const taken = await cli('import', bad, good, join(folder, 'none.xml'), '--who', 'eva')
  assert.equal(taken.code, 1)
  assert.match(taken.text, /bad\.xml:\d+:\d+: .+ \(xml\)/)
  assert.match(taken.text, /none\.xml: there is no such file\./)
  const [id] = /imp_\w{20}/.exec(taken.text) ?? []
  assert.ok(id, taken.text)
  assert.equal(await booked(), 1)
  assert.match((await cli('import', good)).text, new RegExp(`was imported before \\(${id}`))

  assert.match((await cli('imports')).text, new RegExp(`${id} .+good\\.xml .+command +eva`))
  const out = join(folder, 'copy.xml')
  assert.match((await cli('statement', id, '--out', out)).text, /Say why/)
  const written = await cli('statement', id, '--out', out, '--why', 'Audit', '--who', 'eva')
  assert.equal(written.code, 0, written.text)
  assert.deepEqual(readFileSync(out), readFileSync(good))
  const again = await cli('statement', id, '--out', out, '--why', 'Audit')
  assert.deepEqual([again.code, /is not replaced/.test(again.text)], [1, true])
  const entry = await platform.app.db
    .selectFrom('auditLog')
    .select(['who', 'why'])
    .where('target', '=', `statement-import:${id}`)
    .executeTakeFirst()
  assert.deepEqual(entry, { who: 'eva', why: 'Audit' })
})

test('a large statement is read beside the command, which ends with it, refused or not', async () => {
  const parts = statementParts({
    account: iban,
    on: '2026-01-31',
    lines: () => Array.from({ length: 8_000 }, (_, n) => ({ units: BigInt(n + 1), concept: `Pago ${n}` })),
  })
  const text = [...writeCamt(parts)].join('')
  const good = put('large.xml', text)
  const bad = put('large-bad.xml', text.replace('>77.77<', '>77.7x<'))
  const before = await booked()
  const tried = await cli('import', bad, good, '--dry-run')
  // Four lines stand before the first entry, and each entry is one; it is its amount that is wrong.
  const line = 4 + 7_777
  const column = text.split('\n')[line - 1]!.indexOf('<Amt') + 1
  assert.ok(tried.text.includes(`large-bad.xml:${line}:${column}: `), tried.text)
  assert.match(tried.text, / \(amount\)/)
  assert.match(tried.text, /large\.xml: camt\.053\.001\.08, 8000 lines, 8000 new/)
  assert.deepEqual([tried.code, await booked()], [1, before])
})

test('a CSV is imported with its mapping, and a mapping that is wrong is named', async () => {
  const parts = statementParts({
    account: iban,
    on: '2026-02-01',
    lines: () => [{ units: 4_321n, concept: 'Otro' }],
  })
  const list = put('list.csv', [...writeCsv(parts)].join(''))
  const mapping = put('mapping.json', JSON.stringify(CSV_MAPPING))
  const wrong = await cli('import', list, '--mapping', put('wrong.json', '{"columns":{}}'))
  assert.equal(wrong.code, 1)
  assert.match(wrong.text, /The mapping of the CSV can't be used/)
  const taken = await cli('import', list, '--mapping', mapping)
  assert.match(taken.text, /csv, 1 line, 1 new/)
  assert.equal(taken.code, 0, taken.text)
  assert.match((await cli('doubts')).text, /No line is in doubt/)
})
