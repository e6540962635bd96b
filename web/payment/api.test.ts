import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { entryOf } from './api.ts'

const entry = (path: string) => entryOf(new URL(path, 'https://pay.example'))

describe('entryOf', () => {
  it('knows the payment and the hand-over code', () => {
    assert.deepEqual(entry('/payment/AbC123'), { kind: 'payment', id: 'AbC123', handover: null })
    assert.deepEqual(entry('/payment/AbC123#h=xY-_9'), { kind: 'payment', id: 'AbC123', handover: 'xY-_9' })
    assert.deepEqual(entry('/payment/AbC123?status=ok#wallet'), {
      kind: 'payment',
      id: 'AbC123',
      handover: null,
    })
  })

  it('knows the gateway’s link', () => {
    assert.deepEqual(entry('/gateway/transfer?token=t-1'), { kind: 'gateway', token: 't-1' })
  })
})
