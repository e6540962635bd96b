import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Config } from '../kernel/config.ts'
import { EVENT_TYPES } from '../webhooks/event-types.ts'
import {
  drawSaleStates,
  ENDED_WITHOUT_MONEY,
  EVENT_OF_SALE_STATE,
  eventOfSaleMove,
  FINAL_SALE_STATES,
  nextSaleState,
  SALE_STATES,
  SALE_TRANSITIONS,
  type SaleEvent,
  type SaleState,
  saleLifetimeMs,
} from './sale-states.ts'

const EVENTS: Record<SaleEvent, true> = {
  received: true,
  converted: true,
  paid_out: true,
  settled: true,
  payout_failed: true,
  doubted: true,
  released: true,
  expired: true,
  returned: true,
  abandoned: true,
}

/** Every state by every event, written out a second time by hand: a change of the table has to be meant. */
const EXPECTED = `
               started          crypto_received  processing  in_review        finished   expired          refunded   failed
received       crypto_received  -                -           -                -          crypto_received  -          -
converted      -                processing       -           processing       -          -                -          -
paid_out       -                -                finished    finished         -          -                -          -
settled        -                -                -           finished         -          -                -          -
payout_failed  -                -                in_review   -                in_review  -                -          -
doubted        in_review        in_review        in_review   -                in_review  in_review        in_review  in_review
released       -                -                -           crypto_received  -          -                -          -
expired        expired          -                -           -                -          -                -          -
returned       refunded         refunded         -           refunded         -          refunded         -          -
abandoned      -                -                -           failed           -          -                -          -
`

test('the table says of every state and event what happens', () => {
  const [header, ...rows] = EXPECTED.trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  assert.deepEqual([...header!].sort(), [...SALE_STATES].sort())
  const table = new Map(rows.map(([event, ...targets]) => [event, targets]))
  assert.deepEqual([...table.keys()].sort(), Object.keys(EVENTS).sort())
  for (const state of SALE_STATES) {
    for (const event of Object.keys(EVENTS) as SaleEvent[]) {
      const target = table.get(event)![header!.indexOf(state)]
      assert.equal(nextSaleState(state, event) ?? '-', target, `${state} by ${event}`)
    }
  }
})

test('every state has a deadline but the final ones', () => {
  for (const state of SALE_STATES) {
    assert.equal(saleLifetimeMs(state, DURATIONS) !== null, !FINAL_SALE_STATES.has(state), state)
  }
  const lifetimes = (['started', 'crypto_received', 'in_review', 'processing'] as const).map((state) =>
    saleLifetimeMs(state, DURATIONS),
  )
  assert.deepEqual(lifetimes, [1, 2, 3, 4])
})

test('from every state a person can be reached, and from a person every end', () => {
  for (const state of SALE_STATES) assert.ok(reach(state).has('in_review'), state)
  for (const end of ['finished', 'refunded', 'failed'] as const) assert.ok(reach('in_review').has(end), end)
  assert.deepEqual([...reach('started')].sort(), [...SALE_STATES].sort(), 'no state is out of reach')
})

test('each state but those of coins and money on their way tells the integrator, each by a type of its own', () => {
  const told = SALE_STATES.map((state) => EVENT_OF_SALE_STATE[state]).filter((type) => type !== null)
  assert.equal(new Set(told).size, told.length)
  for (const type of told) assert.ok(type in EVENT_TYPES, type)
  assert.deepEqual(
    SALE_STATES.filter((state) => EVENT_OF_SALE_STATE[state] === null),
    ['started', 'crypto_received', 'processing'],
  )
})

test('a sale that is finished again tells of no transfer that was told of before', () => {
  const told = (event: SaleEvent) => eventOfSaleMove({ from: 'in_review', event, to: 'finished' })
  assert.equal(told('paid_out'), 'TRANSFER_RAMPOFF_FINISHED')
  assert.equal(told('settled'), 'RAMPOFF_REVIEWED')
  const finishing = SALE_STATES.flatMap((state) =>
    Object.entries(SALE_TRANSITIONS[state]).flatMap(([event, to]) => (to === 'finished' ? [event] : [])),
  )
  assert.deepEqual([...new Set(finishing)].sort(), ['paid_out', 'settled'])
})

test('every way out of review is told of', () => {
  for (const [event, to] of Object.entries(SALE_TRANSITIONS.in_review)) {
    assert.ok(eventOfSaleMove({ from: 'in_review', event: event as SaleEvent, to }), event)
  }
})

test('what ended without money is final; what ended with money keeps its name', () => {
  for (const state of ENDED_WITHOUT_MONEY) assert.ok(FINAL_SALE_STATES.has(state), state)
  assert.ok(!ENDED_WITHOUT_MONEY.has('finished'))
})

test('the documentation shows this very diagram, with every transition', () => {
  const diagram = drawSaleStates()
  for (const state of SALE_STATES) {
    for (const [event, to] of Object.entries(SALE_TRANSITIONS[state])) {
      const line = diagram.split('\n').find((text) => text.startsWith(`  ${state} --> ${to}:`))
      assert.ok(line?.includes(event), `${state} --> ${to}: ${event}`)
    }
  }
  const text = readFileSync(join(import.meta.dirname, '../../docs/domain.md'), 'utf8')
  assert.ok(
    text.includes(`\`\`\`mermaid\n${diagram}\`\`\``),
    'docs/domain.md holds what drawSaleStates() draws',
  )
})

const DURATIONS = {
  saleDepositWindowMs: 1,
  saleConversionDeadlineMs: 2,
  reviewLifetimeMs: 3,
  salePayoutDeadlineMs: 4,
} as Config['durations']

function reach(state: SaleState, seen = new Set<SaleState>()): Set<SaleState> {
  if (seen.has(state)) return seen
  seen.add(state)
  for (const to of Object.values(SALE_TRANSITIONS[state])) reach(to, seen)
  return seen
}
