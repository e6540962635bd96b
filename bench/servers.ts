import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')

/** A process of its own that tells its address in a line of its output. */
export interface ServerProcess {
  url: string
  child: ChildProcess
  stop(): Promise<void>
}

/** Starts a script and waits for the line `ready <url>`. */
export async function startProcess(
  script: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [join(ROOT, script), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
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
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners('exit')
        child.once('exit', () => resolve())
        child.kill('SIGTERM')
      }),
  }
}
