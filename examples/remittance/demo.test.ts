import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { eventually, startTestApp, type TestApp } from '../../test/support/app.ts'

const ROOT = join(import.meta.dirname, '../..')
const WITHIN_MS = 120_000

interface Played {
  code: number | null
  text: string
}

/** Runs the demo as somebody does who types it. */
function play(...args: string[]): Promise<Played> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['examples/remittance/demo.ts', ...args], {
      cwd: ROOT,
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
      timeout: WITHIN_MS,
    })
    let text = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        text += String(chunk)
      })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, text }))
  })
}

describe('the demo', () => {
  let t: TestApp
  before(async () => {
    t = await startTestApp()
    // Whoever types it has waited for the line that says that the program is ready.
    await eventually('the program to be ready', async () => (await fetch(`${t.url}/readyz`)).ok, 60_000)
  })
  after(() => t.stop())

  test('refuses what is no amount before it asks the server for anything', async () => {
    for (const [flow, amount, unit] of [
      ['buy', 'abc', 'euros'],
      ['buy', '1.234', 'euros'],
      ['sell', '0.00', 'USDC'],
    ] as const) {
      const { code, text } = await play(flow, '--url', t.url, '--amount', amount)
      assert.equal(code, 1)
      assert.match(text, new RegExp(`^\\s*✗ --amount ${amount} is no amount of ${unit}: write it like`))
    }
  })

  test('buys: from registering to coins in the wallet, every webhook signed', async () => {
    const { code, text } = await play('--url', t.url)
    assert.equal(code, 0, text)
    for (const type of ['KYC_VALID', 'PAY_IN', 'COINS_SENT'])
      assert.match(text, new RegExp(`⇠ webhook ${type} evt_\\w+ no\\. \\d+, signature valid`))
    assert.match(text, /before 0 USDC\n {3}after {2}\d+\.\d+ USDC/)
    assert.match(text, /✓ The wallet got exactly what the payment says/)
  })

  test('sells: real coins to the sale’s address, euros at the bank, every webhook signed', async () => {
    const { code, text } = await play('sell', '--url', t.url, '--amount', '80')
    assert.equal(code, 0, text)
    for (const type of ['KYC_VALID', 'CRYPTO_RECEIVED', 'TRANSFER_RAMPOFF_FINISHED'])
      assert.match(text, new RegExp(`⇠ webhook ${type} evt_\\w+ no\\. \\d+, signature valid`))
    assert.match(text, /… started, 0 USDC received\n[\s\S]*… finished, 80 USDC received/)
    const [, quoted] = /80 USDC bring (\d+\.\d\d) EUR/.exec(text) ?? []
    assert.ok(quoted, text)
    const [, before, after] =
      /At the bank\n.*\n {3}to {3}ES9121000418450200051332\n {3}before (\S+) EUR\n {3}after {2}(\S+) EUR/.exec(
        text,
      ) ?? []
    assert.equal((Number(before) - Number(after)).toFixed(2), quoted)
    assert.match(text, /Webhooks of the sale\n {3}CRYPTO_RECEIVED, TRANSFER_RAMPOFF_FINISHED/)
    assert.match(text, /✓ The bank sent exactly what the sale says/)
    assert.doesNotMatch(text, /SIGNATURE WRONG/)
  })

  test('leaves the company’s webhooks as they were, the older name of one too, when all went well and when not', async () => {
    const own = { type: 'RAMPOFF_FINISHED', url: 'http://127.0.0.1:9/own' }
    await t.api('POST', '/api/subscribeToWebhook', { body: own })
    const subscriptions = async () =>
      (await t.api('GET', '/api/webhooks/subscriptions')).body.data.map(
        ({ type, url }: { type: string; url: string }) => ({ type, url }),
      )
    assert.deepEqual(await subscriptions(), [own])
    const well = await play('sell', '--url', t.url)
    assert.equal(well.code, 0, well.text)
    assert.match(well.text, /webhook TRANSFER_RAMPOFF_FINISHED/)
    assert.deepEqual(await subscriptions(), [own])
    const failed = await play('sell', '--url', t.url, '--amount', '0.0001')
    assert.equal(failed.code, 1, failed.text)
    assert.match(failed.text, /✓ KYC_VALID, COINS_SENT, CRYPTO_RECEIVED, TRANSFER_RAMPOFF_FINISHED/)
    assert.deepEqual(await subscriptions(), [own])
  })

  test('says what is wrong, and ends with 1', async () => {
    for (const [args, said] of [
      [
        ['sell', '--url', 'http://127.0.0.1:9'],
        /No server answers under http:\/\/127\.0\.0\.1:9\. Start it with "npm start"/,
      ],
      [['--url', 'nowhere'], /nowhere is no address/],
      [['rent'], /There is no demo called rent\. There are: buy, sell\./],
      [['sell', '--url', t.url, '--api-secret', 'wrong'], /authorization_incorrect/],
      [['--ammount', '5'], /Unknown option '--ammount'/],
    ] as const) {
      const { code, text } = await play(...args)
      assert.match(text, said)
      assert.doesNotMatch(text, /\n {4}at /, 'no stack')
      assert.equal(code, 1)
    }
  })

  test('--help says what there is', async () => {
    const { code, text } = await play('--help')
    assert.equal(code, 0)
    assert.match(text, /npm run demo -- \[buy \| sell\]/)
  })
})
