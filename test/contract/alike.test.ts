import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unlike } from './alike.ts'

const EXAMPLE = {
  id: 'Zk3VqT9bX1LmN8sR4pYw2Ac6D',
  status: 'started',
  amount: '150.50',
  price: '0.921500',
  created_at: '2026-06-26T10:30:00.000000Z',
  url: 'https://ramp.example.com/payment/Zk3VqT9bX1LmN8sR4pYw2Ac6D',
  holder: null,
  reasons: [],
}
const REAL = {
  id: 'Ab3VqT9bX1LmN8sR4pYw2Ac6E',
  status: 'started',
  amount: '150.50',
  price: '0.923412',
  created_at: '2027-01-01T00:00:00.123456Z',
  url: 'http://127.0.0.1:4000/payment/Ab3VqT9bX1LmN8sR4pYw2Ac6E',
  holder: null,
  reasons: [],
}

test('ids, times, prices and hosts may be others', () => {
  assert.deepEqual(unlike(EXAMPLE, REAL), [])
})

test('each difference that a reader would trip over is found', () => {
  const cases: [change: object, said: RegExp][] = [
    [{ status: 'expired' }, /status is "expired", not "started"/],
    [{ amount: '150.5' }, /amount/],
    [{ amount: 150.5 }, /amount/],
    [{ price: '0.92' }, /price/],
    [{ created_at: '2027-01-01' }, /created_at/],
    [{ id: 7 }, /id is 7/],
    [{ url: 'http://127.0.0.1/pay/Ab3VqT9bX1LmN8sR4pYw2Ac6E' }, /url/],
    [{ holder: { name: 'Ana' } }, /holder/],
    [{ reasons: ['x'] }, /reasons is not empty/],
    [{ more: 1 }, /more is not in the example/],
    [{ status: undefined }, /status/],
  ]
  for (const [change, said] of cases) {
    const problems = unlike(EXAMPLE, JSON.parse(JSON.stringify({ ...REAL, ...change })))
    assert.equal(problems.length, 1, JSON.stringify(change))
    assert.match(problems[0]!, said)
  }
})

test('a list may be shown in part, but each element must be there', () => {
  assert.deepEqual(unlike({ data: [{ type: 'card' }] }, { data: [{ type: 'psd2' }, { type: 'card' }] }), [])
  assert.match(
    unlike({ data: [{ type: 'card' }] }, { data: [{ type: 'psd2' }] }).join(),
    /"psd2", not "card"/,
  )
  assert.deepEqual(unlike({ data: [1] }, { data: [] }), ['data is empty'])
})
