import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { camt054, type Entry } from '../../test/support/batch-files.ts'
import { runCommand } from '../../test/support/cli.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'

const NO_API = { integrationId: null, statementRef: null, dueAt: null, leaseUntil: null }
const WHY = ['--who', 'eva', '--why', 'the bank’s list']
let platform: TestApp
let folder: string
let iban: string
let other: string
before(async () => {
  platform = await startTestApp({ lanes: false, localChains: false, env: NO_CHAINS })
  folder = mkdtempSync(join(platform.config.dataDir, 'doubts-'))
  const account = { bic: 'CAIXESBBXXX', bankName: 'CaixaBank', holderName: 'Ramp SL', currency: 'EUR' }
  ;[iban, other] = ['ES9121000418450200051332', 'ES7921000813610123456789']
  const createdAt = platform.app.clock.now()
  const rows = [iban, other].map((one) => ({
    ...account,
    iban: one,
    ordersBy: 'file' as const,
    createdAt,
    ...NO_API,
  }))
  await platform.app.db.insertInto('bankAccounts').values(rows).execute()
})
after(() => platform.stop())
after(() => rmSync(folder, { recursive: true, force: true }))

const cli = (...args: string[]) => runCommand(platform, 'bank', ...args)
const decide = (...args: string[]) => cli('doubts', 'decide', ...args, ...WHY)

/** Ends with 1 and one line that says what is wrong. */
async function assertRefused(args: string[], says: RegExp): Promise<void> {
  const { code, text } = await decide(...args)
  assert.equal(code, 1, text)
  assert.match(text, says)
  assert.equal(text.trimEnd().split('\n').length, 1, text)
}

/** A list of an account, as Norma 43 and others tell a sum: no payer, no name of its transfers. */
async function importSum(account: string, day: string): Promise<string> {
  const path = join(folder, `${account}-${day}.csv`)
  const mapping = join(folder, 'mapping.json')
  writeFileSync(path, `account,date,amount,concept\n${account},${day},180.00,ABONO REMESA\n`)
  const columns = { account: 'account', booked_on: 'date', amount: 'amount', concept: 'concept' }
  writeFileSync(
    mapping,
    JSON.stringify({ currency: 'EUR', date_format: 'YYYY-MM-DD', decimal: '.', columns }),
  )
  const { code, text } = await cli('import', path, '--mapping', mapping)
  assert.equal(code, 0, text)
  const { id } = await platform.app.db
    .selectFrom('bankTransactions')
    .select('id')
    .where('iban', '=', account)
    .where('bookedOn', '=', day)
    .executeTakeFirstOrThrow()
  return id
}

/** A notification of three transfers that come to the sum, under a name that it doesn't have. */
async function importTransfers(account: string, day: string): Promise<string[]> {
  const transfers = [50, 60, 70].map((euros) => ({ euros, ref: `${day}-${euros}`, payer: `Payer ${euros}` }))
  const entry: Entry = { euros: 180, ref: `B-${day}`, transfers }
  const path = join(folder, `${account}-${day}.xml`)
  writeFileSync(path, camt054(account, [entry], { day }))
  const { code, text } = await cli('import', path)
  assert.equal(code, 0, text)
  const rows = await platform.app.db
    .selectFrom('bankDoubts')
    .select('id')
    .where('iban', '=', account)
    .where('bookedOn', '=', day)
    .where('state', '=', 'open')
    .orderBy('units')
    .execute()
  assert.equal(rows.length, 3, text)
  return rows.map(({ id }) => id)
}

const linesOf = async (account: string, day: string) => {
  const rows = await platform.app.db
    .selectFrom('bankTransactions')
    .select(['units', 'state', 'partOf'])
    .where('iban', '=', account)
    .where('bookedOn', '=', day)
    .orderBy('units')
    .execute()
  return rows.map(({ units, state, partOf }) => `${units} ${state}${partOf === null ? '' : ` of ${partOf}`}`)
}

test('an operator says which sum doubts are the transfers of, or that they are other money', async () => {
  const day = '2026-03-02'
  const sum = await importSum(iban, day)
  const foreign = await importSum(other, day)
  const parts = await importTransfers(iban, day)
  const [first, ...others] = parts as [string, ...string[]]
  const listed = await cli('doubts')
  for (const id of parts) assert.match(listed.text, new RegExp(`${id}.+${sum}`))

  await assertRefused(['nodoubt', '--part-of', sum], /There is no open doubt nodoubt/)
  await assertRefused([first, 'nodoubt', '--part-of', sum], /There is no open doubt nodoubt/)
  await assertRefused([...parts, '--part-of', 'noline'], /noline is no undivided line of ES91/)
  await assertRefused([...parts, '--part-of', foreign], /is no undivided line of ES91/)
  await assertRefused([...others, '--part-of', sum], /don’t come to what/)
  await assertRefused([first, '--same', sum], /is no line of ES91/)
  await assertRefused(['nodoubt', '--new', '--beside', sum], /There is no open doubt nodoubt/)
  await assertRefused([first, '--new'], new RegExp(`--new --beside ${sum}`))
  await assertRefused([first, '--new', '--beside', foreign], new RegExp(`--new --beside ${sum}`))
  await assertRefused([first, '--beside', sum], /Say one of --new/)
  await assertRefused([first, '--dismiss', '--beside', sum], /Say --beside with --new/)
  await assertRefused([first, '--new', '--part-of', sum], /Say one of --new/)
  assert.deepEqual(await linesOf(iban, day), ['18000 unmatched'])

  const { code, text } = await decide(...parts, '--part-of', sum)
  assert.deepEqual([code, text], [0, `${parts.join(', ')}: booked in place of ${sum}.\n`])
  const booked = [5_000, 6_000, 7_000].map((units) => `${units} unmatched of ${sum}`)
  assert.deepEqual(await linesOf(iban, day), [...booked, '18000 divided'])
  await assertRefused([...parts, '--part-of', sum], /There is no open doubt/)
  await assertRefused([first, '--new', '--beside', sum], /There is no open doubt/)
  const entries = await platform.app.db
    .selectFrom('auditLog')
    .select(['who', 'why'])
    .where('target', '=', `bank-doubt:${iban}:${first}`)
    .execute()
  assert.deepEqual(entries, [{ who: 'eva', why: 'the bank’s list' }])

  const later = '2026-03-09'
  const [line, [one, two]] = [await importSum(iban, later), await importTransfers(iban, later)]
  const beside = await decide(one!, '--new', '--beside', 'another', '--beside', line)
  assert.deepEqual([beside.code, beside.text], [0, `${one} is decided.\n`])
  assert.deepEqual(await linesOf(iban, later), ['5000 unmatched', '18000 unmatched'])
  await assertRefused([one!, '--new', '--beside', line], /There is no open doubt/)
  await assertRefused([one!, two!, '--part-of', line], /There is no open doubt/)
  assert.equal((await decide(two!, '--dismiss')).code, 0)
  const dismissed = await cli('doubts', '--dismissed')
  assert.match(dismissed.text, new RegExp(`${two}.+${iban}`))
  assert.doesNotMatch(dismissed.text, new RegExp(`${one}`))
})
