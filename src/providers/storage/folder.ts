import { randomBytes } from 'node:crypto'
import { mkdir, open, opendir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ProviderError } from '../provider-error.ts'
import { isStorageKey, type KeptFile, type Storage } from './storage.ts'

/**
 * A folder of this machine, or one that all machines of the installation mount. A file appears whole or not at all:
 * it is written beside its place, brought to the disk, then renamed.
 */
export function openFolderStorage(folder: string): Storage {
  const pathOf = (key: string): string => {
    if (!isStorageKey(key))
      throw new ProviderError('storage', 'rejected', `${JSON.stringify(key)} is no key.`)
    return join(folder, key)
  }
  return {
    async write(key, sealed) {
      const path = pathOf(key)
      try {
        await replaceFile(path, sealed)
      } catch (error) {
        throw failure('write', key, error)
      }
    },
    async read(key) {
      const path = pathOf(key)
      try {
        return await readFile(path)
      } catch (error) {
        throw failure('read', key, error)
      }
    },
    async remove(key) {
      const path = pathOf(key)
      try {
        await rm(path, { force: true })
      } catch (error) {
        throw failure('remove', key, error)
      }
    },
    async *list() {
      for await (const file of walk(folder)) {
        // What isn't named like a key is not ours to tell of: a draft, or what the operator's system put there.
        if (isStorageKey(file.key)) yield file
      }
    },
    async removeDrafts(before) {
      let removed = 0
      for await (const { key, writtenAt } of walk(folder)) {
        if (!DRAFT.test(key) || writtenAt >= before) continue
        await rm(join(folder, key), { force: true })
        removed += 1
      }
      return removed
    },
  }
}

const DRAFT = /\.[0-9a-f]{12}\.draft$/

/** Every file below the folder, one open folder a level at a time. A folder or file that goes meanwhile is left out. */
async function* walk(folder: string, under = ''): AsyncGenerator<KeptFile> {
  const entries = await unlessGone('list', under, () => opendir(join(folder, under)))
  if (!entries) return
  for await (const entry of entries) {
    const key = under === '' ? entry.name : `${under}/${entry.name}`
    if (entry.isDirectory()) yield* walk(folder, key)
    if (!entry.isFile()) continue
    const found = await unlessGone('list', key, () => stat(join(folder, key)))
    if (found) yield { key, writtenAt: found.mtime }
  }
}

async function unlessGone<T>(action: string, key: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw failure(action, key, error)
  }
}

async function replaceFile(path: string, bytes: Buffer): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.draft`
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  try {
    await writeThrough(draft, bytes)
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

async function writeThrough(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  // Windows can't open a folder, and records a new name without being asked.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function failure(action: string, key: string, error: unknown): ProviderError {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' && action === 'read') {
    return new ProviderError('storage', 'rejected', `Nothing is kept under ${key}.`, {
      code: 'not_found',
      cause: error,
    })
  }
  // All of it may be done again: a write replaces, and removing what isn't there is no error.
  return new ProviderError('storage', 'not_sent', `Could not ${action} ${key} (${code}).`, {
    code: code ?? 'failed',
    cause: error,
  })
}
