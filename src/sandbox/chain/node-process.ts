import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { findAnvilBinary } from './anvil-binary.ts'

export interface NodeArguments {
  chainId: number
  port: number
  statePath: string
  /** Where the node keeps what it swaps out. */
  cachePath: string
  /**
   * Seconds since 1970 of the chain's first block. A chain that goes on from its saved state is told it too: the node
   * makes a first block at each start, and only the same one again leaves the saved one in its place.
   */
  genesisTime: number
}

/** States of old blocks the node keeps; a reorganisation can't go deeper. */
const KEPT_STATES = 256

/** Starts a node that outlives this process, with a log file of its own, and answers its process id. */
export function spawnNode(args: NodeArguments, logPath: string): { pid: number; exited: () => boolean } {
  const log = openSync(logPath, 'a', 0o600)
  try {
    const child = spawn(
      findAnvilBinary(),
      [
        '--quiet',
        '--no-mining',
        ...['--host', '127.0.0.1', '--port', String(args.port), '--chain-id', String(args.chainId)],
        ...['--accounts', '0', '--state', args.statePath, '--cache-path', args.cachePath],
        ...['--prune-history', String(KEPT_STATES), '--hardfork', 'prague', '--threads', '1'],
        ...['--timestamp', String(args.genesisTime)],
      ],
      { detached: true, stdio: ['ignore', log, log] },
    )
    let over = false
    child.on('exit', () => {
      over = true
    })
    // Without a listener a missing or broken binary would end our own process.
    child.on('error', () => {
      over = true
    })
    child.unref()
    return { pid: child.pid ?? -1, exited: () => over }
  } finally {
    closeSync(log)
  }
}

/** Whether the process lives and is, as far as this system tells, a local node and not a later owner of the number. */
export function isNodeAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    // Nobody has this number.
    return false
  }
  try {
    // A process nobody waited for keeps its number after its end (state Z).
    if (/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) return false
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('anvil')
  } catch {
    // Only Linux tells more than that the process is there.
    return process.platform !== 'linux'
  }
}

/** Asks the node to save its state and end; one that doesn't within the time is killed and loses what it did not save. */
export async function endNode(pid: number, withinMs: number): Promise<{ saved: boolean }> {
  if (!isNodeAlive(pid)) return { saved: false }
  process.kill(pid, 'SIGTERM')
  if (await becomes(() => !isNodeAlive(pid), withinMs)) return { saved: true }
  killNode(pid)
  await becomes(() => !isNodeAlive(pid), 2_000)
  return { saved: false }
}

/** Ends the node at once: its state is not wanted any more, or it hangs. */
export function killNode(pid: number): void {
  if (isNodeAlive(pid)) process.kill(pid, 'SIGKILL')
}

/** A port of this machine nobody listens on now. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}

/** Whether nobody listens on this port now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Looks every few milliseconds until the condition holds; false when it did not in time. */
export async function becomes(
  condition: () => boolean | Promise<boolean>,
  withinMs: number,
): Promise<boolean> {
  const giveUp = AbortSignal.timeout(withinMs)
  while (!(await condition())) {
    if (giveUp.aborted) return false
    await sleep(10)
  }
  return true
}
