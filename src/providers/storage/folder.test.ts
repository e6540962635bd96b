import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ProviderError } from '../provider-error.ts'
import { storageSuite } from './contract-suite.ts'
import { openFolderStorage } from './folder.ts'

const folder = mkdtempSync(join(tmpdir(), 'storage-'))
after(() => rmSync(folder, { recursive: true }))

storageSuite('folder', async () => openFolderStorage(mkdtempSync(join(folder, 'suite-'))))

test('a folder that does not exist yet is made, for this user alone, and no draft is left', async () => {
  const path = join(folder, 'new', 'documents')
  await openFolderStorage(path).write('a/b', Buffer.from('x'))
  assert.deepEqual(readdirSync(join(path, 'a')), ['b'])
  assert.equal(statSync(join(path, 'a', 'b')).mode & 0o777, 0o600)
  assert.equal(statSync(path).mode & 0o777, 0o700)
})

test('a place that cannot be written to says so, and may be tried again', async () => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  await assert.rejects(
    openFolderStorage(file).write('key', Buffer.from('x')),
    (error) => error instanceof ProviderError && error.outcome === 'not_sent',
  )
})
