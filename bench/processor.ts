import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerProcess } from './servers.ts'
import type { World } from './world.ts'

/** Milliseconds of processor time so far, by who used them; empty where the system doesn't tell (only Linux does). */
export type ProcessorTime = Readonly<Record<string, number>>

const TICK_MS = 10

/** Who works during a run: the program's processes, PostgreSQL with its backends, the chains' nodes, and we ourselves. */
export function readProcessorTime(world: World, servers: readonly ServerProcess[]): ProcessorTime {
  if (process.platform !== 'linux') return {}
  const used: Record<string, number> = {}
  for (const [place, { child }] of servers.entries()) used[`process ${place + 1}`] = timeOf(child.pid!)
  used.postgres = postgresTime(world)
  used.chains = readdirSync(join(world.dataDir, 'chains'))
    .map((chain) => JSON.parse(readFileSync(join(world.dataDir, 'chains', chain, 'node.json'), 'utf8')).pid)
    .reduce((sum, pid) => sum + timeOf(pid), 0)
  used['load and receiver'] = timeOf(process.pid)
  return used
}

/** What was used between two readings for each of so many things, as text. */
export function describeUse(before: ProcessorTime, after: ProcessorTime, count: number): string {
  const parts = Object.entries(after).map(([who, ms]) => [who, (ms - (before[who] ?? 0)) / count] as const)
  const total = parts.reduce((sum, [, ms]) => sum + ms, 0)
  return `${total.toFixed(1)} ms of processor time each: ${parts.map(([who, ms]) => `${who} ${ms.toFixed(1)}`).join(', ')}`
}

function postgresTime({ postgresFolder }: World): number {
  const pid = Number(readFileSync(join(postgresFolder, 'data', 'postmaster.pid'), 'utf8').split('\n', 1)[0])
  const backends = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === pid)
  // What ended backends used is counted at their parent.
  return backends.reduce((sum, backend) => sum + timeOf(Number(backend)), timeOf(pid, true))
}

/** The fields of `/proc/<pid>/stat` behind the name, which may hold anything; undefined when it is gone. */
function statOf(pid: number | string): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    // It ended in between.
    return undefined
  }
}

const parentOf = (pid: string): number => Number(statOf(pid)?.[1])

function timeOf(pid: number, withEnded = false): number {
  const stat = statOf(pid)
  if (!stat) return 0
  const fields = withEnded ? [11, 12, 13, 14] : [11, 12]
  return fields.reduce((sum, field) => sum + Number(stat[field]) * TICK_MS, 0)
}
