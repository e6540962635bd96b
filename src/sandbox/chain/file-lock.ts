import { closeSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { becomes } from './node-process.ts'

const WAIT_MS = 60_000

/** Does the work while no other process does work under the same lock file. A lock whose process is gone is taken over. */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  if (!(await becomes(() => takeLock(path), WAIT_MS))) {
    throw new Error(
      `Another process holds ${path} for more than ${WAIT_MS / 1000} s (process ${readOwner(path)}).`,
    )
  }
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

function takeLock(path: string): boolean {
  try {
    const file = openSync(path, 'wx', 0o600)
    writeSync(file, String(process.pid))
    closeSync(file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const owner = readOwner(path)
  if (owner === null || isRunning(owner)) return false
  // Moved first and looked at then: between the look above and now the lock may have got a living owner.
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return false
  }
  if (isRunning(readOwner(aside) ?? -1)) renameSync(aside, path)
  else rmSync(aside, { force: true })
  return false
}

/** Null when there is no lock now, or its owner has not written its number yet. */
function readOwner(path: string): number | null {
  try {
    return Number(readFileSync(path, 'utf8')) || null
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
