import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DEFAULT_SETTINGS } from '../common/integration.ts'
import {
  type DepositDecision,
  type DepositQuestion,
  decideAll,
  decideDeposit,
  type SalePolicy,
  salePolicy,
} from './decide-deposit.ts'
import { SALE_STATES, type SaleState } from './sale-states.ts'

/** Exactly the 100 that were asked, in time, from a customer in good standing, with a wallet to go back to. */
const QUESTION: DepositQuestion = {
  state: 'started',
  isOwnCoin: true,
  units: 100n,
  askedUnits: 100n,
  heldUnits: 0n,
  returning: false,
  isDust: false,
  blocked: false,
  blockedBeside: false,
  banned: false,
  nameTaken: false,
  hasRefundWallet: true,
}
const POLICY: SalePolicy = {
  toleranceUnits: 1n,
  short: 'convert',
  excess: 'convert',
  late: 'convert',
  wrongAsset: 'return',
}

const decide = (question: Partial<DepositQuestion>, policy: Partial<SalePolicy> = {}): string =>
  tell(decideDeposit({ ...QUESTION, ...question }, { ...POLICY, ...policy }))

/** In a word or two, such as `credited: convert 100 + 20`. */
function tell({ outcome, step }: DepositDecision): string {
  if (step.do === 'convert') return `${outcome}: convert ${step.units} + ${step.excessUnits}`
  return `${outcome}: ${step.do}${'reason' in step ? ` ${step.reason}` : ''}`
}

describe('coins from a blocked address beside them', () => {
  for (const [what, question, expected] of [
    ['exact', {}, 'credited: review blocked_sender'],
    ['a part', { units: 40n }, 'credited: review blocked_sender'],
    ['another coin', { isOwnCoin: false }, 'wrong_asset: review blocked_sender'],
    ['late', { state: 'refunded' }, 'credited: review blocked_sender'],
    ['more, while the bank pays', { state: 'processing' }, 'credited: hold'],
    ['more, while a person looks', { state: 'in_review', returning: true }, 'credited: hold'],
    ['dust', { isDust: true, state: 'finished' }, 'dust: ignore'],
  ] as [string, Partial<DepositQuestion>, string][])
    test(what, () =>
      assert.equal(decide({ ...question, blockedBeside: true }, { excess: 'return' }), expected),
    )
})

describe('the amount', () => {
  const CASES: [string, Partial<DepositQuestion>, Partial<SalePolicy>, string][] = [
    ['exact', {}, {}, 'credited: convert 100 + 0'],
    ['less within the tolerance', { units: 99n }, {}, 'credited: convert 99 + 0'],
    ['more within the tolerance', { units: 101n }, { excess: 'return' }, 'credited: convert 101 + 0'],
    ['less', { units: 98n }, {}, 'credited: wait'],
    ['in two parts', { units: 40n, heldUnits: 60n }, {}, 'credited: convert 100 + 0'],
    ['a part and too little', { units: 10n, heldUnits: 60n }, {}, 'credited: wait'],
    ['more', { units: 150n }, {}, 'credited: convert 150 + 0'],
    ['more, by return', { units: 150n }, { excess: 'return' }, 'credited: convert 100 + 50'],
    [
      'more in two parts, by return',
      { units: 90n, heldUnits: 60n },
      { excess: 'return' },
      'credited: convert 100 + 50',
    ],
    ['more, by review', { units: 150n }, { excess: 'review' }, 'credited: review excess'],
    [
      'more without a wallet',
      { units: 150n, hasRefundWallet: false },
      { excess: 'return' },
      'credited: review excess',
    ],
    [
      'more of what waits for a price',
      { state: 'crypto_received', heldUnits: 100n },
      {},
      'credited: convert 200 + 0',
    ],
  ]
  for (const [name, question, policy, expected] of CASES) {
    test(name, () => assert.equal(decide(question, policy), expected))
  }
})

describe('when it came', () => {
  /** By state: with the default policy, by return, by review, without a wallet. */
  const TABLE: Record<SaleState, [string, string, string, string]> = {
    started: ['convert 100 + 0', 'convert 100 + 0', 'convert 100 + 0', 'convert 100 + 0'],
    crypto_received: ['convert 100 + 0', 'convert 100 + 0', 'convert 100 + 0', 'convert 100 + 0'],
    processing: ['hold', 'return excess', 'hold', 'hold'],
    finished: ['review excess', 'return excess', 'review excess', 'review excess'],
    in_review: ['hold', 'hold', 'hold', 'hold'],
    expired: ['convert 100 + 0', 'return late', 'review late', 'convert 100 + 0'],
    refunded: ['return late', 'return late', 'review late', 'review late'],
    failed: ['return late', 'return late', 'review late', 'review late'],
  }
  for (const state of SALE_STATES) {
    test(`in ${state}`, () => {
      const all = (rule: 'return' | 'review') => ({ late: rule, excess: rule })
      const told = [
        decide({ state }),
        decide({ state }, all('return')),
        decide({ state }, all('review')),
        decide({ state, hasRefundWallet: false }),
      ]
      assert.deepEqual(
        told,
        TABLE[state].map((step) => `credited: ${step}`),
      )
    })
  }

  test('while everything goes back, or when another sale has the name, it goes back too', () => {
    assert.equal(decide({ state: 'in_review', returning: true }), 'credited: return late')
    assert.equal(decide({ state: 'crypto_received', returning: true }), 'credited: return late')
    assert.equal(decide({ state: 'expired', returning: true }), 'credited: return late')
    assert.equal(decide({ state: 'expired', nameTaken: true }), 'credited: return late')
    assert.equal(
      decide({ state: 'expired', nameTaken: true, hasRefundWallet: false }),
      'credited: review late',
    )
  })

  test('late and short is all there is', () => {
    assert.equal(decide({ state: 'expired', units: 50n }), 'credited: convert 50 + 0')
    assert.equal(decide({ state: 'expired', units: 50n }, { short: 'return' }), 'credited: return short')
    assert.equal(decide({ state: 'expired', units: 50n }, { short: 'review' }), 'credited: review short')
  })
})

describe('what came, and from whom', () => {
  test('the wrong coin goes back in every state, or before a person', () => {
    for (const state of SALE_STATES) {
      assert.equal(decide({ state, isOwnCoin: false }), 'wrong_asset: return wrong_asset', state)
      const held = state === 'processing' || state === 'in_review'
      const looked = `wrong_asset: ${held ? 'hold' : 'review wrong_asset'}`
      assert.equal(decide({ state, isOwnCoin: false, hasRefundWallet: false }), looked, state)
      assert.equal(decide({ state, isOwnCoin: false }, { wrongAsset: 'review' }), looked, state)
    }
  })

  test('from a blocked address nothing ever goes back, or on, by itself', () => {
    for (const state of SALE_STATES) {
      for (const isOwnCoin of [true, false]) {
        for (const returning of [true, false]) {
          const { outcome, step } = decideDeposit(
            { ...QUESTION, state, isOwnCoin, returning, blocked: true },
            { ...POLICY, late: 'return', excess: 'return' },
          )
          assert.equal(outcome, 'blocked')
          assert.ok(step.do === 'hold' || step.do === 'review', `${state}: ${step.do}`)
        }
      }
    }
  })

  test('of a banned customer nothing is converted or returned', () => {
    for (const state of SALE_STATES) {
      for (const isOwnCoin of [true, false]) {
        const { step } = decideDeposit({ ...QUESTION, state, isOwnCoin, banned: true }, POLICY)
        assert.ok(step.do === 'hold' || step.do === 'review', `${state}: ${step.do}`)
      }
    }
  })

  test('dust is booked and left, but for the first small part of what is awaited', () => {
    const dust = { isDust: true, units: 1n }
    assert.equal(decide(dust), 'credited: wait')
    assert.equal(decide({ ...dust, blocked: true }), 'dust: ignore')
    assert.equal(decide({ ...dust, isOwnCoin: false }), 'dust: ignore')
    for (const state of SALE_STATES.filter((one) => one !== 'started')) {
      assert.equal(decide({ ...dust, state }), 'dust: ignore', state)
    }
  })
})

test('each unit goes one way: what is converted and what goes back is all that is held', () => {
  for (const state of SALE_STATES) {
    for (const excess of ['convert', 'return', 'review'] as const) {
      for (const units of [1n, 50n, 99n, 100n, 101n, 102n, 500n]) {
        for (const heldUnits of [0n, 1n, 60n, 99n]) {
          const { step } = decideDeposit({ ...QUESTION, state, units, heldUnits }, { ...POLICY, excess })
          if (step.do === 'convert') assert.equal(step.units + step.excessUnits, units + heldUnits)
        }
      }
    }
  }
})

test('at the deadline nobody waits any more', () => {
  const question = { state: 'started', askedUnits: 100n, units: 0n, hasRefundWallet: true } as const
  for (const heldUnits of [1n, 50n, 98n, 99n, 100n, 200n]) {
    for (const short of ['convert', 'return', 'review'] as const) {
      assert.notEqual(decideAll({ ...question, heldUnits }, { ...POLICY, short }).do, 'wait')
    }
  }
})

test('the tolerance is a part of what was asked', () => {
  const policy = salePolicy(
    { sales: { ...DEFAULT_SETTINGS.sales, tolerancePercent: '0.50' } },
    { askedUnits: 20_000n },
  )
  assert.equal(policy.toleranceUnits, 100n)
})
