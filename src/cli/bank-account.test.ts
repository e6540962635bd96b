import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { runCommand } from '../../test/support/cli.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { spanishIban } from '../providers/bank/iban.ts'

const IBAN = 'ES9121000418450200051332'
let t: TestApp

before(async () => {
  t = await startTestApp({ lanes: false, localChains: false, env: NO_CHAINS })
})
after(() => t.stop())

const cli = (...args: string[]) => runCommand(t, 'bank', ...args)

const BANK = ['--holder', 'Ramp SL', '--bic', 'CAIXESBBXXX', '--bank', 'CaixaBank', '--why', 'opened']

test('an operator adds an account, sees it, and retires it', async () => {
  const [help, ownerless] = await Promise.all([
    cli('account', 'add', '--help'),
    cli('account', 'add', IBAN, ...BANK),
  ])
  assert.match(help.text, /--orders-by <way>[\s\S]+"bank opening <iban> <amount>"/)
  assert.deepEqual([ownerless.code, /--pooled for all, or --integration/.test(ownerless.text)], [1, true])
  const added = await cli('account', 'add', 'es91 2100 0418 4502 0005 1332', ...BANK, '--pooled')
  assert.deepEqual(
    [added.code, added.text.includes(`${IBAN} is added. What it holds`)],
    [0, true],
    added.text,
  )
  const [list, show] = await Promise.all([cli('account', 'list'), cli('account', 'show', IBAN)])
  assert.match(list.text, new RegExp(`${IBAN} +EUR +all +Ramp SL +CaixaBank CAIXESBBXXX +file +active +-`))
  assert.match(show.text, /holds +0\.00 EUR\n/)
  assert.equal((await cli('account', 'retire', IBAN, '--why', 'closed')).text, `${IBAN} is retired.\n`)
  assert.equal((await cli('account', 'retire', IBAN, '--undo', '--why', 'not')).text, `${IBAN} is in use.\n`)
})

test('in the sandbox, one by its bank’s API is opened at the simulated bank and funded like the others', async () => {
  const other = spanishIban('2100', '0418', '0000000079')
  const api = ['--currency', 'MXN', '--pooled', '--orders-by', 'api']
  const added = await cli('account', 'add', other, ...BANK, ...api)
  assert.equal(added.code, 0, added.text)
  assert.match((await cli('account', 'show', other)).text, /holds +200000000\.00 MXN/)
  const noApi = await cli('orders', 'by', IBAN, 'api', '--why', 'they say that they have one')
  assert.match(noApi.text, /The bank's API does not tell of ES91/)
})
