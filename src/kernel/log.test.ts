import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createLog, rotatingFile } from './log.ts'

const folder = mkdtempSync(join(tmpdir(), 'log-test-'))
after(() => rmSync(folder, { recursive: true }))

function record(level = 'info') {
  const lines: Record<string, unknown>[] = []
  const shown: string[] = []
  const log = createLog({
    level,
    to: { write: (line) => lines.push(JSON.parse(line)) },
    terminal: (line) => shown.push(line),
  })
  return { log, lines, shown }
}

test('writes one object a line, and shows a person warnings and worse', () => {
  const { log, lines, shown } = record()
  log.debug({ lane: 'expire' }, 'Too fine.')
  log.info({ lane: 'expire' }, 'All is well.')
  log.warn({ source: 'kraken', err: new Error('It answered 503.') }, 'A price source fails.')
  assert.deepEqual(
    lines.map(({ level, msg }) => [level, msg]),
    [
      ['info', 'All is well.'],
      ['warn', 'A price source fails.'],
    ],
  )
  assert.deepEqual(shown, ['WARN A price source fails. source=kraken (It answered 503.)\n'])
})

test('leaves out every field that isn’t known, and what errors carry beside their message', () => {
  const { log, lines } = record()
  const refused = Object.assign(new Error('duplicate key', { cause: new Error('deeper') }), {
    code: '23505',
    detail: 'Key (email)=(ana@example.com) already exists.',
  })
  log.error({ err: refused, customer: { email: 'ana@example.com' }, requestId: 'r-1' }, 'Refused.')
  log.error({ err: { email: 'ana@example.com' } }, 'Thrown.')
  assert.doesNotMatch(JSON.stringify(lines), /ana@/)
  const [{ err, customer, requestId }] = lines as [
    { err: Record<string, unknown>; customer: string; requestId: string },
  ]
  assert.equal(err.code, '23505')
  assert.equal((err.cause as Error).message, 'deeper')
  assert.match(String(err.stack), /log\.test\.ts/)
  assert.equal(customer, 'not shown')
  assert.equal(requestId, 'r-1')
})

test('starts a new file when one is full, and keeps a few', () => {
  const path = join(folder, 'log', 'server.log')
  const file = rotatingFile(path, { limitBytes: 100, keep: 2 })
  for (let line = 0; line < 12; line += 1) file.write(`${String(line).padStart(30, '.')}\n`)
  file.close()
  assert.deepEqual(readdirSync(join(folder, 'log')).sort(), ['server.log', 'server.log.1', 'server.log.2'])
  const numbers = ['server.log.2', 'server.log.1', 'server.log'].map((name) =>
    readFileSync(join(folder, 'log', name), 'utf8').match(/\d+/g),
  )
  assert.deepEqual(numbers, [['4', '5', '6', '7'], ['8', '9', '10', '11'], null])
  const again = rotatingFile(path, { limitBytes: 100, keep: 2 })
  again.write('once more\n')
  again.close()
  assert.equal(readFileSync(path, 'utf8'), 'once more\n')
})
