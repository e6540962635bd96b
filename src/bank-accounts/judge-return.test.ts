import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeReturn, type ReturnFacts } from './judge-return.ts'

type Effect = NonNullable<ReturnFacts['effect']>

const judge = (effect: Partial<Effect> | null, backUnits = 100n, debits = 1, waited = false) =>
  judgeReturn({
    effect: effect === null ? undefined : { state: 'confirmed', units: 100n, reason: null, ...effect },
    backUnits,
    debits,
    waited,
  })

test('each way in which a transfer can come back has its name', () => {
  assert.equal(judge({}), 'whole')
  assert.equal(judge({ state: 'sent' }), 'whole', 'before the booking was heard')
  assert.equal(judge({ state: 'unknown' }), 'whole', 'whose order had no answer')
  assert.equal(judge({}, 100n, 0), 'early', 'its debit is not read')
  assert.equal(judge({}, 95n), 'part')
  assert.equal(judge({ state: 'sent' }, 95n), 'early', 'a part, before the booking was heard')
  assert.equal(judge({ state: 'sent' }, 95n, 1, true), 'part', 'nobody told of the booking for long')
  assert.equal(judge({ state: 'sent' }, 100n, 0, true), 'early', 'it is a person’s, and not taken back')
  assert.equal(judge({ state: 'sent', reason: 'returned by the bank: AC04' }, 95n), 'part')
  assert.equal(judge({}, 101n), 'more')
  assert.equal(judge({ state: 'cancelled' }), 'again')
  assert.equal(judge({ state: 'cancelled' }, 5n, 0), 'again')
  assert.equal(judge({}, 100n, 2), 'again', 'what the bank took too much, and not the order')
  assert.equal(judge({}, 200n, 2), 'more', 'both sums')
  assert.equal(judge(null), 'unknown')
})
