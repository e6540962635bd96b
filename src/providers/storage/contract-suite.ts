import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { ProviderError } from '../provider-error.ts'
import type { Storage } from './storage.ts'

/** What holds for every storage, a folder or one over the network. */
export function storageSuite(name: string, open: () => Promise<Storage>): void {
  describe(`storage contract: ${name}`, () => {
    test('what was written is read, byte for byte', async () => {
      const storage = await open()
      for (const size of [0, 1, 70_000, 10 * 1024 * 1024]) {
        const bytes = randomBytes(size)
        await storage.write(`one/two-${size}`, bytes)
        assert.ok(bytes.equals(await storage.read(`one/two-${size}`)))
      }
    })

    test('the same key again replaces', async () => {
      const storage = await open()
      await storage.write('key', Buffer.from('a longer first text'))
      await storage.write('key', Buffer.from('second'))
      assert.equal(String(await storage.read('key')), 'second')
    })

    test('writes to one key at once leave one of them whole', async () => {
      const storage = await open()
      const versions = ['a', 'b', 'c', 'd'].map((letter) => Buffer.alloc(200_000, letter))
      await Promise.all(versions.map((bytes) => storage.write('race', bytes)))
      const kept = await storage.read('race')
      assert.ok(versions.some((bytes) => bytes.equals(kept)))
    })

    test('what is removed is gone, and removing it again is no error', async () => {
      const storage = await open()
      await storage.write('gone', Buffer.from('x'))
      await storage.remove('gone')
      await storage.remove('gone')
      await assert.rejects(storage.read('gone'), isRejected('not_found'))
    })

    test('what was never written is not found', async () => {
      const storage = await open()
      await assert.rejects(storage.read('never/written'), isRejected('not_found'))
    })

    test('all that is kept is listed, each once, with when it was written', async () => {
      const storage = await open()
      assert.deepEqual(await keysOf(storage), [])
      const before = new Date(performance.timeOrigin + performance.now() - 60_000)
      for (const key of ['one', 'two/a', 'two/b', 'two/three/c', 'gone']) {
        await storage.write(key, Buffer.from('x'))
      }
      await storage.remove('gone')
      assert.deepEqual(await keysOf(storage), ['one', 'two/a', 'two/b', 'two/three/c'])
      for await (const { writtenAt } of storage.list()) assert.ok(writtenAt > before, String(writtenAt))
      assert.equal(await storage.removeDrafts(before), 0)
      assert.equal((await keysOf(storage)).length, 4)
    })

    for (const key of [
      '',
      '.',
      '..',
      '../up',
      'a/../b',
      '/root',
      'a//b',
      'a/',
      'a.txt',
      'a\0b',
      'ñ',
      'x'.repeat(201),
    ]) {
      test(`${JSON.stringify(key.slice(0, 20))} is no key`, async () => {
        const storage = await open()
        await assert.rejects(storage.write(key, Buffer.from('x')), isRejected())
        await assert.rejects(storage.read(key), isRejected())
        await assert.rejects(storage.remove(key), isRejected())
      })
    }
  })
}

async function keysOf(storage: Storage): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of storage.list()) keys.push(key)
  return keys.sort()
}

function isRejected(code?: string): (error: unknown) => boolean {
  return (error) => error instanceof ProviderError && error.outcome === 'rejected' && error.code === code
}
