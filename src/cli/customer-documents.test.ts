import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { runCommand } from '../../test/support/cli.ts'
import { makePdf } from '../../test/support/documents.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { registerCustomer } from '../../test/support/kyc.ts'
import { openOnboardingPage } from '../../test/support/onboarding.ts'

let platform: TestApp
before(async () => {
  platform = await startTestApp({ lanes: false, localChains: false, env: NO_CHAINS })
})
after(() => platform.stop())

const cli = (...args: string[]) => runCommand(platform, ...args)

test('an operator lists a customer’s documents and writes one out, which is recorded', async () => {
  const { id } = await registerCustomer(platform)
  assert.match((await cli('customer', 'documents', String(id))).text, /has no documents/)
  const bytes = makePdf(5_000)
  const body = { type: 'payslip', file: bytes.toString('base64') }
  await platform.api('POST', `/api/customers/${id}/documents`, { body })

  const { text } = await cli('customer', 'documents', String(id))
  const [document] = /doc_\w{24}/.exec(text) ?? []
  assert.ok(document, text)
  assert.match(text, /payslip +application\/pdf +5000 /)

  const out = join(platform.config.dataDir, 'payslip.pdf')
  const opened = ['document', document, '--out', out]
  assert.match((await cli('customer', ...opened)).text, /required option '--why <reason>'/)
  const written = await cli('customer', ...opened, '--why', 'Source of funds', '--who', 'eva')
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

  const again = await cli('customer', ...opened, '--why', 'Once more')
  assert.equal(again.code, 1)
  assert.match(again.text, /exists already/)
  for (const args of [
    ['documents', '1'],
    ['document', 'doc_x', '--out', 'x', '--why', 'x'],
  ]) {
    const none = await cli('customer', ...args)
    assert.equal(none.code, 1)
    assert.match(none.text, /^There is no (customer|document) /m)
  }
})

test('an operator opens from the review what an enhanced verification declares, and nothing else of the customer', async () => {
  const { id } = await registerCustomer(platform)
  const accept = { user_id: id, outcome: 'valid' }
  await platform.api('POST', '/api/sandbox/kyc', { body: accept })
  const unrelated = { type: 'invoice', file: makePdf(4_000).toString('base64') }
  await platform.api('POST', `/api/customers/${id}/documents`, { body: unrelated })
  const form = await platform.api('POST', '/api/onboarding-form', { body: { user_id: id } })
  const page = openOnboardingPage(platform, form.body.data.onboarding_link)
  const declared = makePdf(6_000)
  assert.equal((await page.document('payslip', declared)).status, 200)
  const review = { user_id: id, outcome: 'review' }
  await platform.api('POST', '/api/sandbox/kyc', { body: review })

  const listed = await cli('review', 'list')
  const [verification] = /ver_\w{24}/.exec(listed.text) ?? []
  assert.ok(verification, listed.text)
  const { text } = await cli('review', 'documents', verification)
  const ids = text.match(/doc_\w{24}/g) ?? []
  assert.equal(ids.length, 1, text)
  assert.match(text, /payslip +application\/pdf +6000 /)

  const out = join(platform.config.dataDir, 'declared.pdf')
  const opened = ['document', ids[0] as string, '--out', out]
  assert.match((await cli('review', ...opened)).text, /required option '--why <reason>'/)
  const written = await cli('review', ...opened, '--why', 'Is it the salary?', '--who', 'eva')
  assert.equal(written.code, 0, written.text)
  assert.ok(readFileSync(out).equals(declared))
  assert.equal(statSync(out).mode & 0o777, 0o600)
  const entries = await platform.app.db
    .selectFrom('auditLog')
    .select(['who', 'why', 'target', 'after'])
    .where('action', '=', 'document.read')
    .where('target', '=', `document:${ids[0]}`)
    .execute()
  assert.deepEqual(entries, [
    {
      who: 'eva',
      why: 'Is it the salary?',
      target: `document:${ids[0]}`,
      after: { customer: id, type: 'payslip' },
    },
  ])

  const none = await cli('review', 'documents', 'ver_x')
  assert.equal(none.code, 1)
  assert.match(none.text, /^There is no verification ver_x\.$/m)
})
