import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { prove, signatureProblem, standardSecret } from './signature.ts'

/** The sample that the libraries of Standard Webhooks are tested with. */
const SAMPLE = {
  headers: {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  },
  rawBody: '{"test": 2432232314}',
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
}

test('a signature is verified by a whsec_ secret as the libraries of Standard Webhooks do', () => {
  assert.equal(signatureProblem(SAMPLE), null)
  assert.equal(signatureProblem({ ...SAMPLE, secret: SAMPLE.secret.slice('whsec_'.length) }), null)
  const several = `v1,${'A'.repeat(43)}= ${SAMPLE.headers['webhook-signature']}`
  assert.equal(
    signatureProblem({ ...SAMPLE, headers: { ...SAMPLE.headers, 'webhook-signature': several } }),
    null,
  )
  for (const changed of [
    { rawBody: '{"test":2432232314}' },
    { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx' },
    { headers: { ...SAMPLE.headers, 'webhook-id': 'msg_other' } },
    { headers: { ...SAMPLE.headers, 'webhook-timestamp': '1614265331' } },
  ])
    assert.match(signatureProblem({ ...SAMPLE, ...changed }) ?? '', /webhook-signature has no v1,/)
})

test('the whsec_ form of a secret holds its UTF-8 bytes', () => {
  assert.equal(standardSecret('sandbox-secret'), 'whsec_c2FuZGJveC1zZWNyZXQ=')
  assert.equal(standardSecret('clé'), 'whsec_Y2zDqQ==')
})

test('a delivery that is signed with the text of the whsec_ form, not with what it holds, is no proof', () => {
  const { headers, rawBody } = SAMPLE
  const signed = (key: string): string =>
    `v1,${createHmac('sha256', key).update(`${headers['webhook-id']}.1614265330.${rawBody}`).digest('base64')}`
  const proofOf = (key: string) =>
    prove({
      headers: { ...headers, 'webhook-signature': signed(key) },
      rawBody,
      apiKey: 'key',
      apiSecret: 'secret',
      nowMs: 1_614_265_330_000,
    })
  assert.equal(proofOf('secret').whsec, null)
  assert.equal(proofOf('secret').webhook_headers, null)
  assert.match(proofOf(standardSecret('secret')).whsec ?? '', /webhook-signature has no/)
})
