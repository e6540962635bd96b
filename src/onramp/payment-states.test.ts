import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Config } from '../kernel/config.ts'
import { EVENT_TYPES } from '../webhooks/event-types.ts'
import {
  drawPaymentStates,
  ENDED_WITHOUT_COINS,
  EVENT_OF_STATE,
  FINAL_STATES,
  lifetimeMs,
  nextState,
  PAYMENT_STATES,
  type PaymentEvent,
  type PaymentState,
  TRANSITIONS,
} from './payment-states.ts'

const EVENTS: Record<PaymentEvent, true> = {
  announced: true,
  initiated: true,
  filled: true,
  doubted: true,
  released: true,
  rejected: true,
  expired: true,
  cancelled: true,
  delivered: true,
  undelivered: true,
  refund_confirmed: true,
  charged_back: true,
  back_to_started: true,
  back_to_pending: true,
  back_to_expired: true,
  back_to_cancelled: true,
}

/** Every state by every event, written out a second time by hand: a change of the table has to be meant. */
const EXPECTED = `
                  started           pending_bank      in_review         payment_received  expired    cancelled
announced         pending_bank      -                 -                 -                 -          -
initiated         pending_bank      -                 -                 -                 -          -
filled            payment_received  payment_received  -                 -                 -          -
doubted           in_review         in_review         -                 -                 in_review  in_review
released          -                 -                 payment_received  -                 -          -
rejected          payment_rejected  -                 -                 -                 -          -
expired           expired           expired           -                 -                 -          -
cancelled         cancelled         cancelled         -                 -                 -          -
delivered         -                 -                 coins_sent        coins_sent        -          -
undelivered       -                 -                 -                 in_review         -          -
refund_confirmed  -                 -                 refunded          refunded          refunded   refunded
charged_back      -                 -                 payment_rejected  payment_rejected  -          -
back_to_started   -                 -                 started           started           -          -
back_to_pending   -                 -                 pending_bank      pending_bank      -          -
back_to_expired   -                 -                 expired           expired           -          -
back_to_cancelled -                 -                 cancelled         cancelled         -          -
`

test('the table says of every state and event what happens', () => {
  const [header, ...rows] = EXPECTED.trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  const table = new Map(rows.map(([event, ...targets]) => [event, targets]))
  assert.deepEqual([...table.keys()].sort(), Object.keys(EVENTS).sort())
  for (const state of PAYMENT_STATES) {
    for (const event of Object.keys(EVENTS) as PaymentEvent[]) {
      const target = table.get(event)![header!.indexOf(state)] ?? '-'
      assert.equal(nextState(state, event) ?? '-', target, `${state} by ${event}`)
    }
  }
})

test('every state that is not final has a deadline and a way out without a person of ours', () => {
  for (const state of PAYMENT_STATES) {
    const out = Object.keys(TRANSITIONS[state])
    assert.equal(lifetimeMs(state, 'card', DURATIONS) === null, FINAL_STATES.has(state), state)
    if (!FINAL_STATES.has(state)) assert.ok(out.length > 0, `${state} can be left`)
  }
})

test('from every state a state without any way on can be reached, and coins_sent is never left', () => {
  for (const state of PAYMENT_STATES) {
    const reached = reach(state)
    assert.ok(
      [...reached].some((one) => Object.keys(TRANSITIONS[one]).length === 0),
      `${state} leads to an end`,
    )
  }
  assert.deepEqual([...reach('coins_sent')], ['coins_sent'])
  assert.deepEqual([...reach('started')].sort(), [...PAYMENT_STATES].sort(), 'no state is out of reach')
})

test('each state but the two that wait for money tells the integrator, each by a type of its own', () => {
  const told = PAYMENT_STATES.map((state) => EVENT_OF_STATE[state]).filter((type) => type !== null)
  assert.equal(new Set(told).size, told.length)
  for (const type of told) assert.ok(type in EVENT_TYPES, type)
  assert.deepEqual(
    PAYMENT_STATES.filter((state) => EVENT_OF_STATE[state] === null),
    ['started', 'pending_bank'],
  )
})

test('what ended without coins is final', () => {
  for (const state of ENDED_WITHOUT_COINS) assert.ok(FINAL_STATES.has(state), state)
  assert.ok(!ENDED_WITHOUT_COINS.has('coins_sent'))
})

test('how long a payment waits in started depends on its method', () => {
  assert.equal(lifetimeMs('started', 'card', DURATIONS), 1)
  assert.equal(lifetimeMs('started', 'psd2', DURATIONS), 1)
  assert.equal(lifetimeMs('started', 'khipu', DURATIONS), 2)
  assert.equal(lifetimeMs('started', 'transfer', DURATIONS), 3)
  assert.equal(lifetimeMs('pending_bank', 'card', DURATIONS), 4)
  assert.equal(lifetimeMs('in_review', 'card', DURATIONS), 5)
  assert.equal(lifetimeMs('payment_received', 'card', DURATIONS), 6)
})

test('the diagram shows every transition', () => {
  const diagram = drawPaymentStates()
  for (const state of PAYMENT_STATES) {
    for (const [event, to] of Object.entries(TRANSITIONS[state])) {
      const line = diagram.split('\n').find((text) => text.startsWith(`  ${state} --> ${to}:`))
      assert.ok(line?.includes(event), `${state} --> ${to}: ${event}`)
    }
  }
})

test('the documentation shows this very diagram', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/domain.md'), 'utf8')
  assert.ok(
    text.includes(`\`\`\`mermaid\n${drawPaymentStates()}\`\`\``),
    'docs/domain.md holds what drawPaymentStates() draws',
  )
})

const DURATIONS = {
  instantPaymentLifetimeMs: 1,
  localPaymentLifetimeMs: 2,
  transferStartedLifetimeMs: 3,
  transferPendingLifetimeMs: 4,
  reviewLifetimeMs: 5,
  dispatchDeadlineMs: 6,
} as Config['durations']

function reach(state: PaymentState, seen = new Set<PaymentState>()): Set<PaymentState> {
  if (seen.has(state)) return seen
  seen.add(state)
  for (const to of Object.values(TRANSITIONS[state])) reach(to, seen)
  return seen
}
