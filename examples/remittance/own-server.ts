import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Server {
  url: string
  /** `running`: somebody's, left as it is. `own`: started for this, with a data folder that is removed afterwards. */
  kind: 'running' | 'own'
  stop(): Promise<void>
}

const START_MS = 60_000
const ROOT = join(import.meta.dirname, '../..')

/** The server under an address that was given: it must run. */
export async function findServer(url: string): Promise<Server> {
  if (!URL.canParse(url))
    throw new Error(`${url} is no address. Give the server's, such as http://127.0.0.1:8080.`)
  if (await answers(url)) return { url, kind: 'running', stop: async () => {} }
  throw new Error(
    `No server answers under ${url}. Start it with "npm start", or leave --url out: then the demo starts one of its own.`,
  )
}

/** The server that runs under `url`, or one of its own. */
export async function findOrStartServer(url: string): Promise<Server> {
  if (await answers(url)) return { url, kind: 'running', stop: async () => {} }
  const dataDir = mkdtempSync(join(tmpdir(), 'cryptopocket-demo-'))
  const port = await freePort()
  const child = spawn(process.execPath, ['src/cli/start.ts'], {
    cwd: ROOT,
    env: {
      ...process.env,
      PORT: String(port),
      HOST: '127.0.0.1',
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      DATA_DIR: dataDir,
      MODE: 'sandbox',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const said: string[] = []
  child.stderr?.on('data', (text) => said.push(String(text)))
  const own = `http://127.0.0.1:${port}`
  const deadline = performance.now() + START_MS
  while (!(await isReady(own))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`The server did not start.\n${said.join('')}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return {
    url: own,
    kind: 'own',
    async stop() {
      await end(child)
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(new URL('/livez', url))).ok
  } catch {
    return false
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(new URL('/readyz', url))).ok
  } catch {
    return false
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}
