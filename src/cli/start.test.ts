import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createTestDatabase } from '../../test/support/database.ts'

const folder = mkdtempSync(join(tmpdir(), 'start-test-'))
// Open to PostgreSQL's user when we are root: else the database would go to a system folder and stay there.
chmodSync(folder, 0o755)
const dataDir = join(folder, 'data')
after(() => rmSync(folder, { recursive: true, force: true }))

interface Started {
  child: ChildProcess
  /** What it wrote so far. */
  said: { out: string; err: string }
  ended: Promise<number | null>
}

function start(env: Record<string, string>, args: string[] = []): Started {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'start.ts'), ...args], {
    env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, DATA_DIR: dataDir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    said.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    said.err += chunk
  })
  return { child, said, ended: once(child, 'close').then(([code]) => code as number | null) }
}

async function readyAddress({ child, said, ended }: Started): Promise<string> {
  for (;;) {
    const url = /ready at (\S+) /.exec(said.out)?.[1]
    if (url) return url
    assert.equal(child.exitCode, null, said.err)
    await Promise.race([once(child.stdout!, 'data'), ended])
  }
}

async function refusal(env: Record<string, string>, args?: string[]): Promise<string> {
  const started = start(env, args)
  assert.equal(await started.ended, 1, started.said.out)
  assert.doesNotMatch(started.said.err, /\n\s+at /, 'no stack')
  assert.doesNotMatch(started.said.err, /\u001b/, 'no colour where nobody looks')
  return started.said.err
    .split('\n')
    .filter((line) => line.startsWith('✗'))
    .join('\n')
}

test('starts, says where it is and what to try, is alone on its folder, and stops in order', async () => {
  const program = start({ PORT: '0' })
  const url = await readyAddress(program)
  try {
    assert.match(program.said.out, /sandbox-key .*\n.*sandbox-secret/)
    const command = /curl (\S+) -H '([^']+)' -d '([^']+)'/.exec(program.said.out)!
    assert.equal(command[1], `${url}/api/authenticate`)
    const answer = await fetch(command[1]!, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: command[3],
    })
    assert.equal(((await answer.json()) as { status: string }).status, 'ok')

    assert.match(
      await refusal({ PORT: '0' }),
      /Another CryptoPocket \(process \d+\) is running on the data folder/,
    )
    const { port } = new URL(url)
    assert.match(
      await refusal({ PORT: port }),
      new RegExp(`A CryptoPocket is running already at 127.0.0.1 port ${port}`),
    )
    for (const name of ['master.key', 'wallet.mnemonic', 'log/server.log', 'postgres.json']) {
      assert.equal(statSync(join(dataDir, name)).mode & 0o077, 0, name)
    }
  } finally {
    program.child.kill('SIGTERM')
  }
  assert.equal(await program.ended, 0, program.said.err)
  const log = readFileSync(join(dataDir, 'log/server.log'), 'utf8').trim().split('\n')
  assert.equal(JSON.parse(log.at(-1)!).msg, 'Stopped.')
  await assert.rejects(fetch(url))
})

test('is ready again after it was killed', async () => {
  const killed = start({ PORT: '0' })
  await readyAddress(killed)
  killed.child.kill('SIGKILL')
  await killed.ended
  const again = start({ PORT: '0' })
  await readyAddress(again)
  assert.doesNotMatch(again.said.out, /the next start is faster/)
  again.child.kill('SIGINT')
  assert.equal(await again.ended, 0, again.said.err)
})

test('in production the log is JSON on standard output', async () => {
  const database = await createTestDatabase()
  const production = start({
    MODE: 'production',
    DATA_DIR: join(folder, 'production'),
    PORT: '0',
    ROLE: 'api',
    PUBLIC_URL: 'https://ramp.example.com',
    MASTER_KEY: '5f1d0c8e94b7a2633e0f7c51d8a94b260fe3a1975cc84d1b6a02e9f738d45bc1',
    WALLET_MNEMONIC:
      'gravity machine north sort system female filter attitude volume fold club stay feature office ecology stable narrow fog',
    POLYGON_RPC_URL: 'http://127.0.0.1:9',
    PRICE_SOURCES: 'none',
    DATABASE_URL: database.url,
  })
  try {
    while (!production.said.out.includes('"Ready."')) {
      assert.equal(production.child.exitCode, null, production.said.err)
      await Promise.race([once(production.child.stdout!, 'data'), production.ended])
    }
  } finally {
    production.child.kill('SIGTERM')
  }
  assert.equal(await production.ended, 0, production.said.err)
  const lines = production.said.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.ok(lines.some(({ msg, url }) => msg === 'Ready.' && url === 'https://ramp.example.com'))
  await database.drop()
})

test('refuses with a paragraph: what is wrong, how to mend it', async () => {
  const stranger = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1')
  await once(stranger, 'listening')
  const { port } = stranger.address() as AddressInfo
  writeFileSync(join(folder, 'file'), '')
  const cases: [env: Record<string, string>, said: RegExp][] = [
    [
      { PORT: String(port) },
      /^✗ Port \d+ of 127\.0\.0\.1 is taken by another program\. .*PORT=\d+ npm start\.$/,
    ],
    [{ PORT: 'x', ROLE: 'y' }, /^✗ ROLE is "y".*\n?✗ PORT|^✗ PORT is "x".*\n✗ ROLE is "y"/],
    [{ DATA_DIR: join(folder, 'file/data') }, /^✗ .*file\/data.* name another with DATA_DIR\.$/],
    [
      { PORT: '0', DATABASE_URL: 'postgres://a:b@127.0.0.1:9/c' },
      /^✗ The database of DATABASE_URL can't be reached/,
    ],
    [{ HOST: '192.0.2.1' }, /^✗ 192\.0\.2\.1 is no address of this machine/],
  ]
  const refusals = await Promise.all(cases.map(([env]) => refusal(env)))
  for (const [index, [, said]] of cases.entries()) assert.match(refusals[index]!, said)
  assert.match(await refusal({}, ['--prot=80']), /^✗ npm start takes no --prot=80\./)
  stranger.close()
})

test('--help names every variable', async () => {
  const help = start({}, ['--help'])
  assert.equal(await help.ended, 0)
  assert.match(help.said.out, /PUBLIC_URL .*https/)
})
