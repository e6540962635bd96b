import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type EmbeddedPostgresOptions, startEmbeddedPostgres } from './embedded.ts'

// Each test goes on with the data folder the one before it left: making one takes a second or two.
const root = mkdtempSync(join(tmpdir(), 'embedded-test-'))
chmodSync(root, 0o755)
const dataDir = join(root, 'data')
const notes: string[] = []
const start = (options: Partial<EmbeddedPostgresOptions> = {}) =>
  startEmbeddedPostgres({ dataDir, log: (message) => notes.push(message), ...options })

after(() => rmSync(root, { recursive: true, force: true }))

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

/** Another process that starts the database, says so on its standard output, and stays. */
function program(folder: string): {
  pid: number
  said: Promise<string>
  kill(signal: 'SIGKILL'): Promise<void>
} {
  const code = `
    import { startEmbeddedPostgres } from ${JSON.stringify(join(import.meta.dirname, 'embedded.ts'))}
    try {
      await startEmbeddedPostgres({ dataDir: ${JSON.stringify(folder)}, log: () => {} })
      console.log('started')
    } catch (error) {
      console.log(error.name + ': ' + error.message)
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const said = once(child.stdout, 'data').then(([chunk]) => String(chunk).trim())
  return {
    pid: child.pid!,
    said,
    async kill(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill(signal)
      await once(child, 'exit')
    },
  }
}

async function until<T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 300; tries++) {
    const result = await attempt()
    if (result !== undefined) return result
    await delay(50)
  }
  assert.fail(`Not within 15 s: ${what}`)
}

const serverPid = (folder: string): number =>
  Number(readFileSync(join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0])

test('makes a durable database on loopback behind a password', async () => {
  const database = await start()
  try {
    assert.equal(database.adopted, false)
    const settings = await query(
      database.url,
      `select name, setting from pg_settings
       where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'listen_addresses', 'server_encoding',
         'wal_compression', 'max_connections', 'TimeZone')
       union all select 'collate', datcollate from pg_database where datname = current_database()
       order by 1`,
    )
    assert.deepEqual(Object.fromEntries(settings.map(({ name, setting }) => [name, setting])), {
      TimeZone: 'UTC',
      collate: 'C',
      fsync: 'on',
      full_page_writes: 'on',
      listen_addresses: '127.0.0.1',
      max_connections: '100',
      server_encoding: 'UTF8',
      synchronous_commit: 'on',
      wal_compression: 'off',
    })
    const url = new URL(database.url)
    url.password = 'wrong'
    await assert.rejects(query(url.href, 'select 1'), /password authentication failed/)
    assert.equal(statSync(join(dataDir, 'postgres.json')).mode & 0o777, 0o600)
    await query(database.url, 'create table kept as select 42 as answer')
  } finally {
    await database.stop()
  }
})

test('starts again under the same address with what was in it', async () => {
  const { port: before } = JSON.parse(readFileSync(join(dataDir, 'postgres.json'), 'utf8'))
  const database = await start()
  try {
    assert.equal(database.adopted, false)
    assert.equal(new URL(database.url).port, String(before))
    assert.deepEqual(await query(database.url, 'select answer from kept'), [{ answer: 42 }])
  } finally {
    await database.stop()
  }
})

test('adopts the server that a killed program left', async () => {
  const killed = program(dataDir)
  assert.equal(await killed.said, 'started')
  const pid = serverPid(join(dataDir, 'postgres'))
  await killed.kill('SIGKILL')
  const database = await start()
  try {
    assert.equal(database.adopted, true)
    assert.equal(serverPid(database.folder), pid)
    assert.deepEqual(await query(database.url, 'select answer from kept'), [{ answer: 42 }])
  } finally {
    await database.stop()
  }
})

test('refuses a second program on the folder and names the first, but shares the server when asked, and leaves it to the first', async () => {
  const first = program(dataDir)
  try {
    assert.equal(await first.said, 'started')
    await assert.rejects(start(), {
      name: 'EmbeddedDatabaseError',
      message: new RegExp(`Another CryptoPocket \\(process ${first.pid}\\) is running on the data folder`),
    })
    const shared = await start({ exclusive: false })
    assert.deepEqual(await query(shared.url, 'select answer from kept'), [{ answer: 42 }])
    await shared.stop()
    assert.deepEqual(await query(shared.url, 'select answer from kept'), [{ answer: 42 }])
  } finally {
    await first.kill('SIGKILL')
    await (await start()).stop()
  }
})

test('takes another port when somebody else has taken the old one', async () => {
  const { port } = JSON.parse(readFileSync(join(dataDir, 'postgres.json'), 'utf8'))
  const stranger = createServer().listen(port, '127.0.0.1')
  await once(stranger, 'listening')
  const database = await start()
  try {
    assert.notEqual(new URL(database.url).port, String(port))
    assert.deepEqual(await query(database.url, 'select answer from kept'), [{ answer: 42 }])
  } finally {
    await database.stop()
    stranger.close()
  }
})

for (const [title, content] of [
  [
    'names a process that is something else by now',
    `${process.pid}\n${join(dataDir, 'postgres', 'data')}\n1\n5432\n`,
  ],
  ['names a process that is no more', `4190000\n${join(dataDir, 'postgres', 'data')}\n1\n5432\n`],
  ['is empty', ''],
] as const) {
  test(`starts after a power loss: the pid file ${title}`, async () => {
    const path = join(dataDir, 'postgres', 'data', 'postmaster.pid')
    const { uid, gid } = statSync(join(dataDir, 'postgres'))
    writeFileSync(path, content)
    if (process.getuid?.() === 0) chownSync(path, uid, gid)
    const database = await start()
    try {
      assert.equal(database.adopted, false)
      assert.deepEqual(await query(database.url, 'select answer from kept'), [{ answer: 42 }])
    } finally {
      await database.stop()
    }
  })
}

test('brings the server back under its address when it is killed', async () => {
  const database = await start()
  try {
    const pid = serverPid(database.folder)
    process.kill(pid, 'SIGKILL')
    const rows = await until('the database answers again', () =>
      query(database.url, 'select answer from kept').catch(() => undefined),
    )
    assert.deepEqual(rows, [{ answer: 42 }])
    assert.notEqual(serverPid(database.folder), pid)
    await until('it was told', async () => notes.find((note) => note.includes('was started again')))
    await until('the folder is held again', async () => {
      const held = await query(database.url, "select 1 from pg_locks where locktype = 'advisory'")
      return held.length > 0 ? true : undefined
    })
  } finally {
    await database.stop()
  }
})

test('of two starts at once on a new folder one wins and the other says so', async () => {
  const folder = join(root, 'both')
  const programs = [program(folder), program(folder)]
  try {
    const said = (await Promise.all(programs.map((one) => one.said))).sort()
    assert.match(said[0]!, /^EmbeddedDatabaseError: Another CryptoPocket/)
    assert.equal(said[1], 'started')
  } finally {
    for (const one of programs) await one.kill('SIGKILL')
    await (await start({ dataDir: folder })).stop()
  }
})

test('says so when the database is of another version, or gone', async () => {
  const version = join(dataDir, 'postgres', 'data', 'PG_VERSION')
  const own = readFileSync(version, 'utf8')
  writeFileSync(version, '12\n')
  await assert.rejects(start(), {
    name: 'EmbeddedDatabaseError',
    message: /made by PostgreSQL 12, but .* brings 18/,
  })
  writeFileSync(version, own)
  renameSync(join(dataDir, 'postgres', 'data'), join(root, 'moved'))
  await assert.rejects(start(), {
    name: 'EmbeddedDatabaseError',
    message: /isn't there any more\. Bring .* back, or/,
  })
})

test('as root, below a folder that nobody else can enter, keeps programs and data in a system folder', {
  skip: process.getuid?.() === 0 ? false : 'not root',
}, async () => {
  const closed = join(root, 'closed')
  mkdirSync(closed, { mode: 0o700 })
  const said: string[] = []
  const options = {
    dataDir: join(closed, 'data'),
    systemFolders: [join(root, 'system')],
    log: (message: string) => said.push(message),
  }
  const database = await start(options)
  await query(database.url, 'create table kept as select 42 as answer')
  await database.stop()
  assert.ok(database.folder.startsWith(join(root, 'system')))
  assert.ok(said.some((message) => message.includes(database.folder)))
  assert.notEqual(statSync(database.folder).uid, 0)
  const again = await start(options)
  assert.equal(again.folder, database.folder)
  assert.deepEqual(await query(again.url, 'select answer from kept'), [{ answer: 42 }])
  await again.stop()
  rmSync(options.dataDir, { recursive: true })
  const anew = await start(options)
  assert.notEqual(anew.folder, database.folder, 'a deleted data folder must not meet its old database')
  await anew.stop()
})
