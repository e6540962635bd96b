import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { makePdf } from '../../test/support/documents.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { registerCustomer } from '../../test/support/kyc.ts'

let platform: TestApp
before(async () => {
  platform = await startTestApp({ lanes: false, localChains: false, env: NO_CHAINS })
})
after(() => platform.stop())

/** Runs an operator's command on the platform's own database and data. */
function cli(...args: string[]): Promise<{ code: number; text: string }> {
  const { connectionString } = platform.app.pool.options
  const env = {
    ...process.env,
    ...NO_CHAINS,
    DATABASE_URL: connectionString,
    DATA_DIR: platform.config.dataDir,
  }
  const main = join(import.meta.dirname, 'main.ts')
  return new Promise((resolve) => {
    execFile(process.execPath, [main, 'customer', ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, text: stdout + stderr }),
    )
  })
}

test('an operator lists a customer’s documents and writes one out, which is recorded', async () => {
  const { id } = await registerCustomer(platform)
  assert.match((await cli('documents', String(id))).text, /has no documents/)
  const bytes = makePdf(5_000)
  const body = { type: 'payslip', file: bytes.toString('base64') }
  await platform.api('POST', `/api/customers/${id}/documents`, { body })

  const { text } = await cli('documents', String(id))
  const [document] = /doc_\w{24}/.exec(text) ?? []
  assert.ok(document, text)
  assert.match(text, /payslip +application\/pdf +5000 /)

  const out = join(platform.config.dataDir, 'payslip.pdf')
  const opened = ['document', document, '--out', out]
  assert.match((await cli(...opened)).text, /required option '--why <reason>'/)
  const written = await cli(...opened, '--why', 'Source of funds', '--who', 'eva')
  assert.equal(written.code, 0, written.text)
  assert.ok(readFileSync(out).equals(bytes))
  assert.equal(statSync(out).mode & 0o777, 0o600)
  const entries = await platform.app.db
    .selectFrom('auditLog')
    .select(['who', 'why', 'action', 'target', 'after'])
    .where('action', '=', 'document.read')
    .execute()
  assert.deepEqual(entries, [
    {
      who: 'eva',
      why: 'Source of funds',
      action: 'document.read',
      target: `document:${document}`,
      after: { customer: id, type: 'payslip' },
    },
  ])

  const again = await cli(...opened, '--why', 'Once more')
  assert.equal(again.code, 1)
  assert.match(again.text, /exists already/)
  for (const args of [
    ['documents', '1'],
    ['document', 'doc_x', '--out', 'x', '--why', 'x'],
  ]) {
    const none = await cli(...args)
    assert.equal(none.code, 1)
    assert.match(none.text, /^There is no (customer|document) /m)
  }
})
