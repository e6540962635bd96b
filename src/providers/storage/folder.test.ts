import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
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

test('what a crash left half-written is no file, and goes when it is old enough', async () => {
  const path = mkdtempSync(join(folder, 'drafts-'))
  const storage = openFolderStorage(path)
  await storage.write('a/b', Buffer.from('x'))
  const [old, young, foreign] = ['a/c.0123456789ab.draft', 'a/d.0123456789ab.draft', 'a/notes.txt']
  for (const name of [old, young, foreign] as string[]) writeFileSync(join(path, name), 'half')
  for (const name of [old, foreign, 'a/b'] as string[]) utimesSync(join(path, name), 1_000, 1_000)
  const kept: string[] = []
  for await (const { key } of storage.list()) kept.push(key)
  assert.deepEqual(kept, ['a/b'])
  assert.equal(await storage.removeDrafts(new Date(2_000_000)), 1)
  assert.deepEqual(
    [old, young, foreign, 'a/b'].map((name) => existsSync(join(path, name as string))),
    [false, true, true, true],
  )
})
