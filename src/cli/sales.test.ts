import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createCompany } from '../../examples/remittance/company.ts'
import { type Corridor, openCorridor } from '../../test/corridors/corridor.ts'
import { eventually } from '../../test/support/app.ts'
import { MAGIC_PAYEES } from '../providers/bank/simulated/magic.ts'

const IBAN = 'ES9121000418450200051332'
const OTHER_IBAN = 'DE89370400440532013000'
const WHY = ['--why', 'A test', '--who', 'eva']

describe('the operator’s commands beside a running program', () => {
  let corridor: Corridor
  before(async () => {
    corridor = await openCorridor()
  })
  after(() => corridor.stop())

  /** Runs a command as an operator types it, on the running program's database and data. */
  function cli(...args: string[]): Promise<{ code: number; text: string }> {
    const { app, config } = corridor.test
    const env = {
      ...process.env,
      DATABASE_URL: app.pool.options.connectionString,
      DATA_DIR: config.dataDir,
    }
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [join(import.meta.dirname, 'main.ts'), ...args],
        { env },
        (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, text: stdout + stderr }),
      )
    })
  }

  async function done(args: string[], said: RegExp): Promise<string> {
    const { code, text } = await cli(...args)
    assert.equal(code, 0, text)
    assert.match(text, said)
    return text
  }

  async function refused(args: string[], said: RegExp): Promise<void> {
    const { code, text } = await cli(...args)
    assert.match(text, said)
    assert.doesNotMatch(text, /\n {4}at /, 'no stack')
    assert.equal(code, 1)
  }

  async function create(fields: Record<string, unknown> = {}): Promise<{ id: string; wallet: string }> {
    const user = await corridor.verifiedCustomer()
    return corridor.company.call('POST', '/api/createRampoff', {
      user_id: user,
      amount: '100',
      symbol: 'USDC',
      blockchain: 'polygon',
      iban: IBAN,
      refund_wallet: corridor.newWallet(),
      ...fields,
    })
  }

  const send = (id: string, fields: Record<string, unknown> = {}) =>
    corridor.company.call('POST', '/api/sandbox/chain/deposit', { rampoff_id: id, ...fields })

  const reaches = (id: string, status: string) =>
    eventually(
      `sale ${id} to be ${status}`,
      async () => (await corridor.company.call('GET', '/api/getRampoff', { id })).status === status,
      30_000,
    )

  /** Sales whose coins came from a blocked address, all at once. */
  async function createBlocked(count: number): Promise<string[]> {
    const sales = await Promise.all(Array.from({ length: count }, () => create()))
    await Promise.all(sales.map(({ id }) => send(id, { sender: 'blocked' })))
    await Promise.all(sales.map(({ id }) => reaches(id, 'in_review')))
    return sales.map(({ id }) => id)
  }

  test('sale: what waits is listed and shown, let go on, given back, given up', async () => {
    await done(['sale', 'list'], /^No sale waits for a person\.$/m)
    const [first, second, third] = (await createBlocked(3)) as [string, string, string]
    const listed = await done(['sale', 'list'], /blocked_sender/)
    for (const id of [first, second, third]) assert.match(listed, new RegExp(`^${id} `, 'm'))
    await done(['sale', 'show', first], /in_review {2}polygon[\s\S]*asked 100\.000000 USDC[\s\S]*blocked/)

    await refused(
      ['sale', 'pay-again', first, '--iban', OTHER_IBAN, ...WHY],
      /No payout of sale \w+ failed\./,
    )
    await refused(['sale', 'return', first, '--wallet', '0x123', ...WHY], /Coins can't go to 0x123: /)
    await done(['sale', 'release', first, ...WHY], /goes on/)
    await reaches(first, 'finished')
    await refused(['sale', 'release', first, ...WHY], /is finished, not in review\./)
    await done(['sale', 'return', second, ...WHY], /goes back/)
    await reaches(second, 'refunded')
    await done(['sale', 'abandon', third, ...WHY], /is given up/)
    await reaches(third, 'failed')
    const audit = await corridor.test.app.db
      .selectFrom('auditLog')
      .select(['who', 'action', 'target'])
      .where(
        'target',
        'in',
        [first, second, third].map((id) => `sale:${id}`),
      )
      .orderBy('id')
      .execute()
    assert.deepEqual(audit, [
      { who: 'eva', action: 'sale.release', target: `sale:${first}` },
      { who: 'eva', action: 'sale.return', target: `sale:${second}` },
      { who: 'eva', action: 'sale.abandon', target: `sale:${third}` },
    ])
  })

  test('a transfer that came back in part is settled, and the sale paid to another account', async () => {
    const { value: iban } = MAGIC_PAYEES.find(({ fate }) => fate.keptUnits > 0n)!
    const { id } = await create({ iban })
    await send(id)
    await reaches(id, 'finished')
    await corridor.advance('25h')
    await reaches(id, 'in_review')
    const shown = await done(['sale', 'show', id], /payout_failed/)
    const [effect] = /\w+(?= +bank_transfer)/.exec(shown) ?? []
    assert.ok(effect, shown)
    await done(['accounts', 'lines'], /\d+\.\d\d EUR/)
    const payAgain = ['sale', 'pay-again', id, ...WHY]
    await refused(
      [...payAgain, '--iban', OTHER_IBAN],
      /No payout of sale \w+ failed|its money is not back on our account/,
    )
    await done(['accounts', 'settle-return', effect, ...WHY], /it cost 5\.00 EUR/)
    await refused(['accounts', 'settle-return', effect, ...WHY], /Nothing of \w+ came back that waits/)

    await refused([...payAgain, '--iban', 'ES9121000418450200051333'], /The IBAN .*check digits/)
    const ours = (await done(['accounts', 'list'], /EUR/)).match(/^ES\S+(?= +EUR)/m)![0]
    await refused([...payAgain, '--iban', ours], /The IBAN /)
    await refused(
      [...payAgain, '--account', '1'],
      /This sale is paid to an IBAN: name the new one with --iban\./,
    )
    await refused(payAgain, /name the new one with --iban/)
    await refused([...payAgain, '--iban', OTHER_IBAN, '--name', ' '], /The holder's name must have/)
    await done([...payAgain, '--iban', 'de89 3704 0044 0532 0130 00'], /is paid again/)
    await reaches(id, 'finished')
  })

  test('accounts: money without an owner is listed, and claimed once', async () => {
    const [account] = (
      await corridor.company.call<{ bank_accounts: { iban: string }[] }>('GET', '/api/sandbox')
    ).bank_accounts
    const { iban } = account!
    await corridor.company.call('POST', '/api/sandbox/bank/transfer', {
      iban,
      amount: '1234.56',
      concept: 'Working capital',
      name: 'Remittances',
    })
    const line = await eventually(
      'the line to be listed',
      async () =>
        /(\S+) +\S+ +1234\.56 EUR +Working capital/.exec((await cli('accounts', 'lines')).text)?.[1],
      30_000,
    )
    const claim = (typed: string) => ['accounts', 'claim', typed, line as string, '--as', 'treasury', ...WHY]
    await refused(claim('ES00'), /There is no line \S+ of ES00\. "accounts lines" shows them\./)
    await done(claim(iban.toLowerCase().replace(/(.{4})/g, '$1 ')), /is booked as treasury/)
    await refused(claim(iban), /is no line without an owner/)
  })

  test('sweeps and deposits: listed, by an address in any case; what is over is not tried again', async () => {
    const { id, wallet } = await create()
    await send(id)
    await reaches(id, 'finished')
    const listed = await eventually(
      'the coins to be swept',
      async () => {
        const { text } = await cli('sweeps', 'list', '--state', 'done', '--address', wallet.toLowerCase())
        return text.includes(wallet) && text
      },
      40_000,
    )
    const [sweep] = /^\w+(?= +\d{4}-)/m.exec(listed as string) ?? []
    await refused(['sweeps', 'retry', sweep!, ...WHY], /is over: done/)
    await done(['sweeps', 'list', '--state', 'lost'], /^No such sweeps are lost\.$/m)
    await done(['deposits', 'chains'], /^bsc [\s\S]*^polygon /m)
    await refused(['deposits', 'accept', 'moon', ...WHY], /no chain called "moon"; there are polygon, bsc\./)
    await refused(['deposits', 'accept', 'polygon', ...WHY], /wait for no such decision/)
  })

  test('an integration that was made a moment ago sells at once, paid from its own account', async () => {
    const text = await done(['integration', 'create', 'Newcomer', ...WHY], /Integration \d+ created/)
    const [, apiKey, apiSecret] = /api_key +(\S+)\n +api_secret +(\S+)/.exec(text)!
    const old = corridor.company
    corridor.company = createCompany(corridor.test.url, apiKey!, apiSecret!)
    try {
      await corridor.company.authenticate()
      const { call } = corridor.company
      const { id: user } = await call('POST', '/api/registerUser', {
        name: 'Ana',
        last_name: 'García',
        email: 'ana@example.com',
        country: 'ES',
      })
      await call('POST', '/api/sandbox/kyc', { user_id: user, outcome: 'valid' })
      await eventually(
        'the customer to be verified',
        async () => (await call('GET', '/api/kyc/check', { user_id: user })).kyc_status === 'valid',
      )
      const { id } = await create({ user_id: user })
      await send(id)
      await reaches(id, 'finished')
    } finally {
      corridor.company = old
    }
  })

  test('unknown ids and wrong words are refused with what to do, and change nothing', async () => {
    const cases: [args: string[], said: RegExp][] = [
      [['sale', 'show', 'nope'], /There is no sale nope\./],
      ...['release', 'return'].map((verb): [string[], RegExp] => [
        ['sale', verb, 'nope', ...WHY],
        /There is no sale nope\. "sale list" shows what waits for a person\./,
      ]),
      [['sale', 'release', 'nope'], /required option '--why <reason>' not specified\s+Add --help/],
      [['sale', 'frobnicate'], /unknown command 'frobnicate'\s+Add --help/],
      [['sweeps', 'list', '--state', 'nonsense'], /Allowed choices are open, failed, done/],
      [['sweeps', 'list', '--limit', 'x'], /It must be a whole number\./],
      [['sweeps', 'retry', 'nope', ...WHY], /There is no sweep nope\. "sweeps list" lists them\./],
      [['accounts', 'settle-return', 'nope', ...WHY], /no bank transfer nope that left\. "effects list"/],
      [
        ['accounts', 'claim', 'X', '1', '--as', 'me', ...WHY],
        /me owns no line: it is treasury, cost, or a payment provider/,
      ],
    ]
    await Promise.all(cases.map(([args, said]) => refused(args, said)))
    for (const group of ['sale', 'sweeps', 'deposits', 'accounts'])
      await done([group, '--help'], new RegExp(`npm run cli -- ${group} \\[options\\] \\[command\\]`))
  })

  test('the books are right after all of it', async () => {
    await eventually('the books to be right', async () => (await cli('ledger', 'verify')).code === 0, 30_000)
  })
})
