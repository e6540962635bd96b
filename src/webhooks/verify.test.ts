import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { signDelivery } from './sign.ts'
import { verifyStandardWebhook, verifyWebhook } from './verify.ts'

const at = new Date('2026-06-26T10:30:00.999Z')
const body = '{"id":"evt_1","type":"PAY_IN","data":{"name":"Åsa 🙂"}}'
const pairs = [
  { apiKey: 'key-new', apiSecret: 'new sécret' },
  { apiKey: 'key-old', apiSecret: 'old secret' },
] as const
const headers = lowerCase(signDelivery({ id: 'evt_1', body, at, pairs }))

function lowerCase(given: object): Record<string, string> {
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]))
}

test('X-Signature is the HMAC of the body and, right behind it, the timestamp, in lower-case hex', () => {
  const expected = createHmac('sha256', Buffer.from('new sécret', 'utf8'))
    .update(`${body}1782469800`)
    .digest('hex')
  assert.equal(headers['x-signature'], expected)
  assert.equal(headers['x-timestamp'], '1782469800')
  assert.equal(headers['x-api-key'], 'key-new')
})

test('the newest pair verifies by the own headers, both by Standard Webhooks', () => {
  const given = { headers, rawBody: Buffer.from(body), now: at }
  assert.deepEqual(verifyWebhook({ ...given, apiSecret: 'new sécret' }), { ok: true })
  assert.equal(verifyWebhook({ ...given, apiSecret: 'old secret' }).ok, false)
  assert.deepEqual(verifyStandardWebhook({ ...given, apiSecret: 'new sécret' }), { ok: true })
  assert.deepEqual(verifyStandardWebhook({ ...given, apiSecret: 'old secret' }), { ok: true })
  assert.equal(verifyStandardWebhook({ ...given, apiSecret: 'other' }).ok, false)
})

test('a changed body, time or signature, a missing header and an old delivery are refused', () => {
  const given = { headers, rawBody: body, apiSecret: 'new sécret', now: at }
  for (const verify of [verifyWebhook, verifyStandardWebhook]) {
    assert.equal(verify({ ...given, rawBody: body.replace('PAY_IN', 'COINS') }).ok, false)
    assert.equal(verify({ ...given, headers: {} }).ok, false)
    assert.equal(verify({ ...given, now: new Date(at.getTime() + 299_000) }).ok, true)
    assert.equal(verify({ ...given, now: new Date(at.getTime() + 302_000) }).ok, false)
    assert.equal(verify({ ...given, now: new Date(at.getTime() - 302_000) }).ok, false)
  }
  const later = String(Number(headers['x-timestamp']) + 1)
  assert.equal(verifyWebhook({ ...given, headers: { ...headers, 'x-timestamp': later } }).ok, false)
  assert.equal(
    verifyStandardWebhook({ ...given, headers: { ...headers, 'webhook-timestamp': later } }).ok,
    false,
  )
  assert.equal(verifyWebhook({ ...given, headers: { ...headers, 'x-timestamp': 'now' } }).ok, false)
})
