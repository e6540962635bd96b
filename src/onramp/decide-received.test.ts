import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_SETTINGS } from '../common/integration.ts'
import { assetOf } from '../money/asset.ts'
import {
  decideReceived,
  type MismatchPolicy,
  mismatchPolicy,
  type ReceivedDecision,
  type ReceivedQuestion,
} from './decide-received.ts'
import { PAYMENT_STATES } from './payment-states.ts'

const policy: MismatchPolicy = {
  toleranceUnits: 100n,
  over: 'refund_excess',
  late: 'review',
  thirdParty: 'review',
}

const ask = (
  changes: Partial<ReceivedQuestion> = {},
  policyChanges: Partial<MismatchPolicy> = {},
): ReceivedDecision =>
  decideReceived(
    {
      state: 'started',
      fiatUnits: 10_000n,
      heldUnits: 0n,
      units: 10_000n,
      converted: false,
      refunding: false,
      banned: false,
      nameTaken: false,
      thirdParty: false,
      ...changes,
    },
    { ...policy, ...policyChanges },
  )

const fill = (fillUnits: bigint, excessUnits = 0n): ReceivedDecision => ({
  do: 'fill',
  fillUnits,
  excessUnits,
})

test('exactly what was asked is converted', () => {
  assert.deepEqual(ask(), fill(10_000n))
  assert.deepEqual(ask({ state: 'pending_bank' }), fill(10_000n))
})

test('a little less or more is filled at what arrived, up to the tolerance', () => {
  assert.deepEqual(ask({ units: 9_900n }), fill(9_900n))
  assert.deepEqual(ask({ units: 10_100n }), fill(10_100n))
  assert.deepEqual(ask({ units: 9_899n }), { do: 'wait' })
  assert.deepEqual(ask({ units: 10_101n }), fill(10_000n, 101n))
})

test('transfers add up to the amount', () => {
  assert.deepEqual(ask({ heldUnits: 4_000n, units: 5_000n }), { do: 'wait' })
  assert.deepEqual(ask({ heldUnits: 4_000n, units: 6_000n }), fill(10_000n))
  assert.deepEqual(ask({ heldUnits: 4_000n, units: 9_000n }), fill(10_000n, 3_000n))
})

test('too much goes before a person where the integration wants it', () => {
  assert.deepEqual(ask({ units: 12_000n }, { over: 'review' }), { do: 'review', reason: 'over' })
})

test('a payer of another name goes before a person, unless the integration accepts it', () => {
  assert.deepEqual(ask({ thirdParty: true }), { do: 'review', reason: 'third_party' })
  assert.deepEqual(ask({ thirdParty: true }, { thirdParty: 'accept' }), fill(10_000n))
})

test('a customer who was banned meanwhile goes before a person', () => {
  assert.deepEqual(ask({ banned: true, thirdParty: true }), { do: 'review', reason: 'banned' })
})

test('late money goes before a person, or back, by policy; always back when its name was given away', () => {
  for (const state of ['expired', 'cancelled'] as const) {
    assert.deepEqual(ask({ state }), { do: 'review', reason: 'late' })
    assert.deepEqual(ask({ state }, { late: 'refund' }), { do: 'return', reason: 'late' })
    assert.deepEqual(ask({ state, nameTaken: true }), { do: 'return', reason: 'late' })
    assert.deepEqual(ask({ state, refunding: true }), { do: 'return', reason: 'late' })
  }
})

test('money that comes twice, or for a payment that is over, goes back', () => {
  assert.deepEqual(ask({ state: 'payment_received' }), { do: 'return', reason: 'excess' })
  assert.deepEqual(ask({ state: 'coins_sent' }), { do: 'return', reason: 'excess' })
  assert.deepEqual(ask({ state: 'payment_rejected' }), { do: 'return', reason: 'late' })
  assert.deepEqual(ask({ state: 'refunded' }), { do: 'return', reason: 'late' })
})

test('in review it is added to what is looked at, unless that is on its way back, or was converted', () => {
  assert.deepEqual(ask({ state: 'in_review' }), { do: 'hold' })
  assert.deepEqual(ask({ state: 'in_review', refunding: true }), { do: 'return', reason: 'late' })
  assert.deepEqual(ask({ state: 'in_review', converted: true }), { do: 'return', reason: 'excess' })
})

test('whatever comes, no unit is converted and given back, and none is forgotten', () => {
  const question = fc.record({
    state: fc.constantFrom(...PAYMENT_STATES),
    fiatUnits: fc.bigInt({ min: 1n, max: 10n ** 9n }),
    heldUnits: fc.bigInt({ min: 0n, max: 10n ** 9n }),
    units: fc.bigInt({ min: 1n, max: 10n ** 10n }),
    converted: fc.boolean(),
    refunding: fc.boolean(),
    banned: fc.boolean(),
    nameTaken: fc.boolean(),
    thirdParty: fc.boolean(),
  })
  const anyPolicy = fc.record({
    toleranceUnits: fc.bigInt({ min: 0n, max: 1000n }),
    over: fc.constantFrom('refund_excess' as const, 'review' as const),
    late: fc.constantFrom('review' as const, 'refund' as const),
    thirdParty: fc.constantFrom('review' as const, 'accept' as const),
  })
  fc.assert(
    fc.property(question, anyPolicy, (asked, by) => {
      const decision = decideReceived(asked, by)
      const waits = asked.state === 'started' || asked.state === 'pending_bank'
      if (decision.do !== 'fill') return waits || decision.do !== 'wait'
      const { fillUnits, excessUnits } = decision
      return (
        waits &&
        fillUnits > 0n &&
        excessUnits >= 0n &&
        fillUnits + excessUnits === asked.heldUnits + asked.units &&
        fillUnits <= asked.fiatUnits + by.toleranceUnits &&
        fillUnits >= asked.fiatUnits - by.toleranceUnits
      )
    }),
  )
})

test('the tolerance is in euros; another currency has none', () => {
  assert.equal(mismatchPolicy(DEFAULT_SETTINGS, assetOf('EUR')).toleranceUnits, 100n)
  assert.equal(mismatchPolicy(DEFAULT_SETTINGS, assetOf('CLP')).toleranceUnits, 0n)
})
