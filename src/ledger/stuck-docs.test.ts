import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createMetrics } from '../kernel/metrics.ts'
import { STUCK_DEFAULTS } from '../kernel/stuck-thresholds.ts'
import { STUCK_RULES } from './stuck-rules.ts'

const operations = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8')

/** As documents write commands. */
const withCode = (text: string): string => text.replaceAll(/"([^"]+)"/g, '`$1`')

test("the operations' table of stuck money has the rules that the program has", () => {
  const section = /\n## Stuck money\n(.*?)\n## /s.exec(operations)?.[1] ?? ''
  const table = section.split('\n').filter((line) => line.startsWith('|'))
  const rules = STUCK_RULES.map(
    ({ code, severity, says, mend }) =>
      `| \`${code}\` | ${STUCK_DEFAULTS[code]} | ${severity} | ${withCode(says)} | ${withCode(mend)} |`,
  )
  assert.deepEqual(table, [
    '| Kind | After | Severity | What is stuck | What to do |',
    '|---|---|---|---|---|',
    ...rules,
  ])
})

test('they name the metrics by which stuck money is measured', async () => {
  const { stuckItems, stuckOldest } = createMetrics()
  for (const gauge of [stuckItems, stuckOldest]) {
    const { name } = await gauge.get()
    assert.ok(operations.includes(`\`${name}{rule}\``), name)
  }
})
