import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import pg from 'pg'
import { eventually } from '../support/app.ts'
import { FULL } from './buyers.ts'
import { runCli } from './invariants.ts'
import type { Program } from './program.ts'
import { type FaultWorld, inWorld } from './world.ts'

/** Every seed that ever failed is here for good. */
const RUNS = FULL
  ? [
      { seed: 61, refunds: 12, kills: 14 },
      { seed: 62, refunds: 9, kills: 10 },
      { seed: 63, refunds: 15, kills: 18 },
    ]
  : [{ seed: 61, refunds: 3, kills: 3 }]
/** So long an operator's command lives at least and at most before it is killed: some are done by then. */
const SHORTEST_LIFE_MS = 400
const LONGEST_LIFE_MS = 2_600
const WHY = ['--who', 'operator', '--why', 'a test']

for (const { seed, refunds, kills } of RUNS) {
  it(`${refunds} refunds at a bank that takes files, ${kills} kills, seed ${seed}: each order is in one file, and goes back once`, (context) =>
    inWorld(context, { seed }, async (world) => {
      const folder = mkdtempSync(join(tmpdir(), 'order-files-'))
      const database = new pg.Client({ connectionString: world.program.databaseUrl })
      await database.connect()
      try {
        const ids = await payMany(world, refunds)
        const { rows } = await database.query('select iban from bank_accounts where integration_id = 1')
        const bank = createOperator(world, rows[0].iban, folder)
        await bank.must('orders', 'by', bank.iban, 'file')
        await refundUnderKills(world, bank, ids, kills)
        await awaitOrders(database, ids)
        const files = await takeFiles(bank, database, ids)
        await settle(world, bank, files, ids)
        assert.deepEqual(
          await countAtBank(database),
          ids.map(() => 1),
        )
        const { code, output } = await runCli(world.program, ['ledger', 'verify'])
        assert.equal(code, 0, output)
      } finally {
        await database.end()
        rmSync(folder, { recursive: true })
      }
    }))
}

/** Payments by transfer whose money is here and whose coins do not leave. */
async function payMany(world: FaultWorld, count: number): Promise<string[]> {
  const { buyers, program } = world
  const paused = await runCli(program, ['pause', 'dispatch', ...WHY])
  assert.equal(paused.code, 0, paused.output)
  await world.buyMany(count, { paymentType: 'transfer' })
  const ids = buyers.bought.splice(0).map(({ paymentId }) => paymentId!)
  for (const id of ids) {
    await eventually(
      `${id} to be paid`,
      async () => (await buyers.api('GET', `/api/payment/${id}`)).data.status === 'payment_received',
      30_000,
    )
  }
  world.say(`${count} payments are here`)
  return ids
}

interface Operator {
  iban: string
  folder: string
  /** Runs a command of `bank`, to its end or to the kill. */
  killed(...args: string[]): Promise<void>
  must(...args: string[]): Promise<string>
  try(...args: string[]): Promise<{ code: number; output: string }>
}

function createOperator({ program, random }: FaultWorld, iban: string, folder: string): Operator {
  const withWhy = (args: string[]): string[] => [
    'bank',
    ...args,
    ...(/^(export|file|answer|by)$/.test(args[1] ?? '') ? WHY : []),
  ]
  return {
    iban,
    folder,
    killed: (...args) =>
      runAndKill(program, withWhy(args), SHORTEST_LIFE_MS + random.below(LONGEST_LIFE_MS - SHORTEST_LIFE_MS)),
    try: (...args) => runCli(program, withWhy(args)),
    async must(...args) {
      const { code, output } = await runCli(program, withWhy(args))
      assert.equal(code, 0, output)
      return output
    },
  }
}

function runAndKill(program: Program, args: string[], afterMs: number): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['src/cli/main.ts', ...args], {
      cwd: join(import.meta.dirname, '../..'),
      env: program.env,
      stdio: 'ignore',
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), afterMs)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** The refunds are asked for one by one while the program and whoever makes files are killed. */
async function refundUnderKills(
  { buyers, program, children, say }: FaultWorld,
  bank: Operator,
  ids: readonly string[],
  kills: number,
): Promise<void> {
  const asking = (async () => {
    for (const id of ids) {
      const answer = await buyers.api('POST', `/api/payment/${id}/refund`, {})
      assert.ok(answer.status === 'ok' || answer.error === 'payment_not_refundable', answer.message ?? '')
    }
  })()
  for (let kill = 1; kill <= kills; kill += 1) {
    const making = bank.killed('orders', 'export', bank.iban, '--out', join(bank.folder, `made-${kill}.xml`))
    if (kill % 2 === 0) {
      await program.kill(children[0]!)
      children[0] = await program.start()
    }
    await making
  }
  await asking
  say(`${kills} kills`)
}

/** All count as sent: each is in a file, or goes into the next one. */
async function awaitOrders(database: pg.Client, ids: readonly string[]): Promise<void> {
  await eventually(
    'all refunds to be ordered',
    async () => {
      const { rows } = await database.query(
        `select count(*)::integer as count from effects join file_orders using (idempotency_key)
          where effects.kind = 'bank_transfer' and effects.state = 'sent' and effects.reference = any($1)`,
        [ids.map((id) => `payment:${id}`)],
      )
      return rows[0].count === ids.length
    },
    60_000,
  )
}

/** Every order is in exactly one file, whoever died, and what was given out is what is kept. */
async function takeFiles(bank: Operator, database: pg.Client, ids: readonly string[]): Promise<string[]> {
  const last = await bank.try('orders', 'export', bank.iban, '--out', join(bank.folder, 'made-last.xml'))
  assert.ok(last.code === 0 || /No orders/.test(last.output), last.output)
  const { rows: files } = await database.query('select id from order_files order by created_at')
  const texts: string[] = []
  for (const { id } of files) {
    const path = join(bank.folder, `kept-${id}.xml`)
    await bank.must('orders', 'file', id, '--out', path)
    texts.push(readFileSync(path, 'utf8'))
  }
  const made = readdirSync(bank.folder).filter((name) => name.startsWith('made-'))
  for (const name of made) {
    const text = readFileSync(join(bank.folder, name), 'utf8')
    // A kill may have cut what was being written; it is the beginning of a file that is kept.
    assert.ok(
      texts.some((kept) => kept.startsWith(text)),
      `${name} is no kept file`,
    )
  }
  const { rows: orders } = await database.query(
    "select idempotency_key as key from effects where kind = 'bank_transfer' and reference = any($1)",
    [ids.map((id) => `payment:${id}`)],
  )
  assert.equal(orders.length, ids.length)
  for (const { key } of orders) {
    const found = texts.filter((text) => text.includes(`<EndToEndId>${key}</EndToEndId>`))
    assert.equal(found.length, 1, `order ${key} is in ${found.length} files`)
  }
  assert.ok(files.every(({ id }) => existsSync(join(bank.folder, `kept-${id}.xml`))))
  return files.map(({ id }) => join(bank.folder, `kept-${id}.xml`))
}

/** The bank takes each file, twice, and its answers and statement are taken in, by somebody who is killed at times. */
async function settle(
  world: FaultWorld,
  bank: Operator,
  files: readonly string[],
  ids: readonly string[],
): Promise<void> {
  for (const [index, path] of files.entries()) {
    const [first, second] = ['a', 'b'].map((name) => join(bank.folder, `answer-${index}-${name}.xml`))
    await bank.must('simulator', 'take', path, '--answer', first!)
    await bank.must('simulator', 'take', path, '--answer', second!)
    await bank.killed('orders', 'answer', second!)
    assert.match(await bank.must('orders', 'answer', second!), /0 are refused/)
  }
  const { data } = await world.buyers.api('GET', '/api/sandbox')
  const today = String(data.now).slice(0, 10)
  const path = join(bank.folder, 'statement.xml')
  await eventually(
    'the bank to book the orders',
    async () => {
      await world.pass(5)
      rmSync(path, { force: true })
      await bank.must(
        'simulator',
        'statement',
        bank.iban,
        '--from',
        today,
        '--to',
        nextDay(today),
        '--out',
        path,
      )
      return (
        (readFileSync(path, 'utf8').match(/<CdtDbtInd>DBIT<\/CdtDbtInd><Sts>/g) ?? []).length === ids.length
      )
    },
    60_000,
  )
  await bank.killed('import', path)
  await bank.must('import', path)
  for (const id of ids) {
    await eventually(
      `${id} to be refunded`,
      async () => {
        const { data: payment } = await world.buyers.api('GET', `/api/payment/${id}`)
        return payment.status === 'refunded' && payment.refund.state === 'confirmed'
      },
      60_000,
    )
  }
}

const nextDay = (day: string): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10)

/** How often the bank itself has each order. */
async function countAtBank(database: pg.Client): Promise<number[]> {
  const { rows } = await database.query(
    "select count(*)::int as times from simulated.bank_transfers where direction = 'out' and end_to_end_id is not null group by end_to_end_id",
  )
  return rows.map(({ times }) => times)
}
