import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import packageJson from '../package.json' with { type: 'json' }

const ROOT = join(import.meta.dirname, '..')
/** Those that `npm start` gives Node. */
const FLAGS = packageJson.scripts.start.split(' ').filter((word) => word.startsWith('--'))

/** Bytes, as a process tells them once a second. */
export interface Memory {
  rss: number
  heapUsed: number
}

/** A process of its own that tells its address in a line of its output. */
export interface ServerProcess {
  url: string
  child: ChildProcess
  /** All that it told of its memory so far. */
  memory: Memory[]
  stop(): Promise<void>
}

/** Starts a script and waits for the line `ready <url>`. */
export async function startProcess(
  script: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [...FLAGS, ...profiling(), join(ROOT, script), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const memory: Memory[] = []
  child.on('message', (told) => memory.push(told as Memory))
  const url = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk) => {
      text += String(chunk)
      const ready = /^ready (\S+)$/m.exec(text)
      if (ready) resolve(ready[1] as string)
    })
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code}.\n${text}`)))
  })
  return {
    url,
    child,
    memory,
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners('exit')
        if (child.exitCode !== null || child.signalCode !== null) return resolve()
        child.once('exit', () => resolve())
        child.kill('SIGTERM')
      }),
  }
}

/** `BENCH_PROFILE=<folder>` has every process leave a CPU profile there. */
function profiling(): string[] {
  const folder = process.env.BENCH_PROFILE
  return folder ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : []
}
