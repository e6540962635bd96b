import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '../../..')
const DOCUMENT = readFileSync(join(ROOT, 'docs/statement-formats.md'), 'utf8')

test('every code of a refusal is documented, and no other', () => {
  const files = globSync('src/bank-accounts/**/*.ts', { cwd: ROOT }).filter(
    (file) => !file.endsWith('.test.ts') && !file.includes('/orders/'),
  )
  const used = new Set<string>()
  for (const file of files) {
    const text = readFileSync(join(ROOT, file), 'utf8')
    const raised = text.matchAll(/\bStatementError\(\s*'(\w+)'/g)
    const refused = file.endsWith('detect-format.ts') ? text.matchAll(/\brefuse\(\s*'(\w+)'/g) : []
    for (const [, code] of [...raised, ...refused]) used.add(code!)
  }
  const section = DOCUMENT.slice(DOCUMENT.indexOf('## Why a file is refused'))
  const told = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code!)
  assert.deepEqual(told, [...used].sort())
})
