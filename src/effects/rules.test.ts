import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Receipt } from '../providers/chain/port.ts'
import { freshFees, isUnderpriced, replacementFees } from './fees.ts'
import { type Candidate, chooseFitting, groupTransfers } from './plan-dispatch.ts'
import { judge, type Sight, type Watched } from './verdict.ts'

const candidate = (changes: Partial<Candidate> & { id: string }): Candidate => ({
  asset: 'polygon:USDC',
  units: 10n,
  to: '0x00000000000000000000000000000000000c0ffe',
  single: false,
  attempts: 0,
  ...changes,
})
const SETTINGS = { batchSize: 3, minBatch: 2 }
const shape = (groups: ReturnType<typeof groupTransfers>) =>
  groups.map(({ kind, members }) => [kind, members.map(({ id }) => id).join('')])

test('transfers of a token are grouped in chunks, the rest goes singly', () => {
  const going = 'abcdefg'.split('').map((id) => candidate({ id }))
  const canBatch = () => true
  assert.deepEqual(shape(groupTransfers(going, { canBatch, nonces: 99, settings: SETTINGS })), [
    ['batch', 'abc'],
    ['batch', 'def'],
    ['single', 'g'],
  ])
  assert.deepEqual(shape(groupTransfers(going, { canBatch, nonces: 3, settings: SETTINGS })), [
    ['batch', 'abc'],
    ['single', 'g'],
  ])
  assert.deepEqual(
    shape(groupTransfers(going.slice(0, 2), { canBatch: () => false, nonces: 99, settings: SETTINGS })),
    [
      ['single', 'a'],
      ['single', 'b'],
    ],
  )
  const mixed = [candidate({ id: 'a', single: true }), candidate({ id: 'b' }), candidate({ id: 'c' })]
  assert.deepEqual(shape(groupTransfers(mixed, { canBatch, nonces: 99, settings: SETTINGS })), [
    ['batch', 'bc'],
    ['single', 'a'],
  ])
})

test('never more is chosen than the wallet holds and the cap allows, and each is chosen or waits', () => {
  const units = fc.bigInt({ min: 1n, max: 50n })
  fc.assert(
    fc.property(fc.array(units, { maxLength: 30 }), units, fc.option(units), (amounts, held, cap) => {
      const candidates = amounts.map((units, index) => candidate({ id: String(index), units }))
      const free = new Map([['polygon:USDC', held]])
      const capLeft = new Map(cap === null ? [] : [['polygon:USDC', cap]])
      const { going, waiting } = chooseFitting(candidates, { free, capLeft })
      const sum = going.reduce((total, { units }) => total + units, 0n)
      assert.ok(sum <= held && (cap === null || sum <= cap))
      assert.equal(going.length + waiting.length, amounts.length)
      // Whoever waits would not fit on top of those chosen before it.
      const smallestWaiting = candidates.filter(({ id }) => waiting.some((one) => one.id === id))
      for (const { units } of smallestWaiting)
        assert.ok(sum + units > held || (cap !== null && sum + units > cap))
    }),
  )
})

test('a replacement is at least 12.5 % dearer in both fees, and never underpriced', () => {
  const fee = fc.bigInt({ min: 0n, max: 10n ** 13n })
  fc.assert(
    fc.property(
      fee,
      fee,
      fee,
      fee,
      (maxFeePerGas, maxPriorityFeePerGas, baseFeePerGas, priorityFeePerGas) => {
        const last = { maxFeePerGas, maxPriorityFeePerGas }
        const market = { baseFeePerGas, priorityFeePerGas }
        const next = replacementFees(last, market)
        assert.ok(next.maxFeePerGas * 1000n >= maxFeePerGas * 1125n)
        assert.ok(next.maxPriorityFeePerGas * 1000n >= maxPriorityFeePerGas * 1125n)
        assert.ok(!isUnderpriced(next, market))
        assert.ok(!isUnderpriced(freshFees(market), market))
      },
    ),
  )
})

test('what became of a transaction', () => {
  const watched: Watched = {
    id: 1,
    nonce: 7,
    blockHash: null,
    attempts: 1,
    wantedAttempts: 1,
    fees: { maxFeePerGas: 100n, maxPriorityFeePerGas: 10n },
    ageMs: 1_000,
    wasSent: true,
  }
  const market = { baseFeePerGas: 50n, priorityFeePerGas: 10n }
  const sight: Sight = { receipt: null, latestHeight: 20, nextOnChain: 7, known: true, market }
  const receipt = (height: number): Receipt => ({
    hash: '0x1',
    ok: true,
    height,
    blockHash: '0xb',
    gasUnits: 1n,
    contract: null,
  })
  const cases: [string, Partial<Watched>, Partial<Sight>, string][] = [
    ['in the pool', {}, {}, 'waiting'],
    ['seen in a block for the first time', {}, { receipt: receipt(20), nextOnChain: 8 }, 'included'],
    [
      'seen before in the same block',
      { blockHash: '0xb' },
      { receipt: receipt(19), nextOnChain: 8 },
      'waiting',
    ],
    ['moved to another block', { blockHash: '0xa' }, { receipt: receipt(20), nextOnChain: 8 }, 'included'],
    ['deep enough', { blockHash: '0xb' }, { receipt: receipt(18), nextOnChain: 8 }, 'final'],
    ['deep enough at first sight', {}, { receipt: receipt(2), nextOnChain: 8 }, 'final'],
    ['its block is gone', { blockHash: '0xb' }, {}, 'reorganised'],
    ['its block is gone, its nonce used by another', { blockHash: '0xb' }, { nextOnChain: 8 }, 'reorganised'],
    ['its nonce is used by another', {}, { nextOnChain: 8 }, 'foreign'],
    ['forgotten', {}, { known: false }, 'dropped'],
    ['forgotten, but never sent', { wasSent: false }, { known: false }, 'waiting'],
    ['not asked', {}, { known: undefined }, 'waiting'],
    ['old and too cheap', { ageMs: 31_000 }, { market: { ...market, baseFeePerGas: 95n } }, 'stuck'],
    ['old, but well paid', { ageMs: 31_000 }, {}, 'waiting'],
    ['very old', { ageMs: 151_000 }, {}, 'stuck'],
    [
      'old and too cheap, but not next in line',
      { ageMs: 31_000 },
      { nextOnChain: 6, market: { ...market, baseFeePerGas: 95n } },
      'waiting',
    ],
    ['being replaced already', { ageMs: 151_000, wantedAttempts: 2 }, {}, 'waiting'],
  ]
  for (const [name, watch, see, expected] of cases) {
    const { is } = judge(
      { ...watched, ...watch },
      { ...sight, ...see },
      { confirmations: 3, stuckAfterMs: 30_000 },
    )
    assert.equal(is, expected, name)
  }
})
