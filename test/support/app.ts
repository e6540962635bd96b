import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type App, createApp, type RunningApp } from '../../src/app.ts'
import { type Config, type Environment, loadConfig } from '../../src/kernel/config.ts'
import { createTestDatabase } from './database.ts'

export interface ApiAnswer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests read what an endpoint answered and compare it.
  body: any
}

export interface CallOptions {
  body?: unknown
  /** Sent as `auth`; the first sandbox integration's token unless told, none with null. */
  token?: string | null
  headers?: Record<string, string>
  /** Ask for the true HTTP status. */
  honest?: boolean
  /** Have the body as the text that came. */
  asText?: boolean
}

export interface TestApp {
  app: App
  running: RunningApp
  config: Config
  url: string
  /** A token of the first sandbox integration. */
  token: string
  /** Calls the API. An object body is sent as JSON, text or bytes as they are. */
  api(method: string, path: string, options?: CallOptions): Promise<ApiAnswer>
  authenticate(apiKey: string, apiSecret: string): Promise<string>
  stop(): Promise<void>
}

/**
 * The program itself on a migrated database of its own and a free port, everything simulated as in the sandbox.
 * `env` sets single configuration variables. `LOG_LEVEL=debug` in the environment shows its log.
 */
export async function startTestApp({
  env = {},
  lanes = true,
  localChains = true,
}: {
  env?: Environment
  lanes?: boolean
  /** False for tests that need no chain: no node is started. */
  localChains?: boolean
} = {}): Promise<TestApp> {
  const database = await createTestDatabase()
  const dataDir = mkdtempSync(join(tmpdir(), 'cryptopocket-test-'))
  const config = loadConfig({
    PORT: '0',
    DATA_DIR: dataDir,
    ROLE: lanes ? 'all' : 'api',
    DATABASE_POOL_SIZE: '8',
    ...env,
  })
  const log = pino({ level: process.env.LOG_LEVEL ?? 'silent' })
  const running = await createApp({ config, log, databaseUrl: database.url, localChains })
  async function stop(): Promise<void> {
    await running.stop()
    await database.drop()
    rmSync(dataDir, { recursive: true, force: true })
  }
  // A program that began to start keeps the process alive: the test would not fail but hang.
  const { url } = await running.start().catch(async (error: unknown) => {
    await stop()
    throw error
  })
  const test = {
    app: running.app,
    running,
    config,
    url,
    token: '',
    api: (method: string, path: string, options?: CallOptions) =>
      call(url, test.token, method, path, options),
    async authenticate(apiKey: string, apiSecret: string) {
      const { body } = await call(url, '', 'POST', '/api/authenticate', {
        token: null,
        body: { api_key: apiKey, api_secret: apiSecret },
      })
      return body.data.token as string
    },
    stop,
  }
  test.token = await test.authenticate('sandbox-key', 'sandbox-secret')
  return test
}

async function call(
  url: string,
  ownToken: string,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<ApiAnswer> {
  const headers: Record<string, string> = { ...options.headers }
  const token = options.token === undefined ? ownToken : options.token
  if (token !== null && headers.auth === undefined) headers.auth = token
  if (options.honest) headers.prefer = 'http-status'
  let body: string | Uint8Array<ArrayBuffer> | undefined
  if (typeof options.body === 'string' || options.body instanceof Uint8Array) body = options.body as string
  else if (options.body !== undefined) {
    body = JSON.stringify(options.body)
    headers['content-type'] ??= 'application/json'
  }
  const response = await fetch(url + path, { method, headers, body, redirect: 'manual' })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json')
  return {
    status: response.status,
    headers: response.headers,
    body: isJson && !options.asText ? JSON.parse(text) : text,
  }
}

/** Waits until `probe` answers something, looking every few milliseconds; fails with `what` after ten seconds. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | null | false>,
  withinMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const found = await probe()
    if (found !== undefined && found !== null && found !== false) return found
    if (performance.now() > deadline) throw new Error(`Waited ${withinMs} ms in vain for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
