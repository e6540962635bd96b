import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createClock } from '../../kernel/clock.ts'
import { comparePrices, formatPrice } from '../../money/rate.ts'
import { ProviderError } from '../provider-error.ts'
import { priceSourceSuite } from './contract-suite.ts'
import { createSimulatedPrices, type PriceFault, simulatedPrice } from './simulated.ts'

const NOW = new Date('2026-06-26T10:30:00Z')
const KNOWN = [
  { base: 'USDC', fiat: 'EUR' },
  { base: 'ETH', fiat: 'EUR' },
  { base: 'EUR', fiat: 'CLP' },
]

function openSimulated(faults: (PriceFault | undefined)[] = []) {
  const waits: number[] = []
  const sources = createSimulatedPrices({
    clock: createClock(() => NOW.getTime()),
    takeFault: async () => faults.shift(),
    wait: async (ms) => void waits.push(ms),
  })
  return { sources, waits }
}

priceSourceSuite('simulated', async () => {
  const faults: PriceFault[] = []
  const source = openSimulated(faults).sources[0]!
  return { source, now: NOW, known: KNOWN, breakDown: () => faults.push('fail') }
})

describe('the simulated walk', () => {
  test('is the same for everybody at the same moment, and stays near where it began', () => {
    for (let hour = 0; hour < 5_000; hour += 7) {
      const at = new Date(NOW.getTime() + hour * 3_600_000 + 12_345)
      const price = simulatedPrice('simulated-a', 'USDC', 'EUR', at)!
      assert.deepEqual(price, simulatedPrice('simulated-a', 'USDC', 'EUR', at))
      assert.ok(price.units > 918_000n && price.units < 925_000n, formatPrice(price))
    }
  })

  test('moves, but never by more than a hair in a second', () => {
    const seen = new Set<string>()
    let before = simulatedPrice('simulated-a', 'ETH', 'EUR', NOW)!
    for (let second = 1; second < 7_200; second += 1) {
      const price = simulatedPrice('simulated-a', 'ETH', 'EUR', new Date(NOW.getTime() + second * 1000))!
      const moved = price.units - before.units
      assert.ok((moved < 0n ? -moved : moved) * 1_000n < before.units)
      seen.add(formatPrice(price))
      before = price
    }
    assert.ok(seen.size > 1_000)
  })

  test('the sources differ, by little', () => {
    const [a, b] = ['simulated-a', 'simulated-b'].map((name) => simulatedPrice(name, 'ETH', 'EUR', NOW)!)
    assert.notEqual(comparePrices(a!, b!), 0)
    const apart = a!.units - b!.units
    assert.ok((apart < 0n ? -apart : apart) * 1_000n < a!.units)
  })
})

describe('steering', () => {
  test('one order meets all three sources in one round, and the next round is free of it', async () => {
    const { sources } = openSimulated(['fail'])
    const outcomes = await Promise.allSettled(sources.map((source) => source.latest(KNOWN)))
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    )
    assert.equal((await sources[0]!.latest(KNOWN)).length, 3)
  })

  test('stale prices say that they are old', async () => {
    const [usdc] = await openSimulated(['stale']).sources[0]!.latest(KNOWN)
    assert.equal(usdc!.at.toISOString(), '2026-06-26T10:15:00.000Z')
  })

  test('a jump moves every price by a tenth', async () => {
    const [before] = await openSimulated().sources[0]!.latest(KNOWN)
    const [after] = await openSimulated(['jump']).sources[0]!.latest(KNOWN)
    assert.ok(after!.price.units * 100n > before!.price.units * 109n)
  })

  test('late answers late, and one that hangs is given up', async () => {
    const late = openSimulated(['late'])
    assert.equal((await late.sources[0]!.latest(KNOWN)).length, 3)
    assert.deepEqual(late.waits, [1_500])
    const hanging = openSimulated(['hang'])
    await assert.rejects(hanging.sources[0]!.latest(KNOWN), ProviderError)
    assert.deepEqual(hanging.waits, [3_000])
  })
})
