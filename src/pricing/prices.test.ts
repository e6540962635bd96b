import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pino } from 'pino'
import { createClock } from '../kernel/clock.ts'
import { parsePrice } from '../money/rate.ts'
import type { PriceSource } from '../providers/prices/port.ts'
import { ProviderError } from '../providers/provider-error.ts'
import { medianOf } from './median.ts'
import { createPrices } from './prices.ts'
import { findMissingPrices } from './readiness.ts'

const START_MS = Date.parse('2026-06-26T10:30:00Z')
const MAX_AGE_MS = 60_000

/** Sources that say what the test tells them, under a clock that the test moves. */
function makeWorld(names = ['a', 'b', 'c']) {
  let realMs = START_MS
  const clock = createClock(() => realMs)
  const said = new Map<string, Record<string, string> | 'down'>()
  const ages = new Map<string, number>()
  const asked: string[] = []
  const sources = names.map((name): PriceSource => {
    said.set(name, { 'USDC/EUR': '0.92', 'EUR/CLP': '1000' })
    return {
      name,
      everyMs: 1_000,
      async latest(pairs) {
        asked.push(name)
        const answer = said.get(name)!
        if (answer === 'down') throw new ProviderError(name, 'not_sent', 'is down')
        return pairs.flatMap(({ base, fiat }) => {
          const text = answer[`${base}/${fiat}`]
          const at = new Date(clock.now().getTime() - (ages.get(name) ?? 0))
          return text === undefined ? [] : [{ base, fiat, price: parsePrice(text, 'nearest')!, at }]
        })
      },
    }
  })
  const log = pino({ level: 'silent' })
  const prices = createPrices({ sources, clock, log, maxAgeMs: MAX_AGE_MS })
  return { prices, clock, said, ages, asked, pass: (ms: number) => (realMs += ms) }
}

describe('the current price', () => {
  test('is the median of the sources', async () => {
    const { prices, said } = makeWorld()
    said.set('a', { 'USDC/EUR': '0.921' })
    said.set('b', { 'USDC/EUR': '0.924' })
    said.set('c', { 'USDC/EUR': '0.922' })
    await prices.refresh()
    const price = prices.current('USDC', 'EUR')!
    assert.equal(price.text, '0.922000')
    assert.equal(price.source, 'a, b, c')
    assert.equal(price.updatedAt.getTime(), START_MS)
  })

  test('is unknown before anybody was asked', () => {
    assert.equal(makeWorld().prices.current('USDC', 'EUR'), undefined)
  })

  test('is used up to its greatest age and never after', async () => {
    const { prices, said, pass } = makeWorld()
    await prices.refresh()
    for (const name of ['a', 'b', 'c']) said.set(name, 'down')
    pass(MAX_AGE_MS)
    await prices.refresh()
    assert.equal(prices.current('USDC', 'EUR')?.text, '0.920000')
    pass(1)
    assert.equal(prices.current('USDC', 'EUR'), undefined)
    assert.deepEqual(Object.keys(prices.failing()), ['a', 'b', 'c'])
    for (const name of ['a', 'b', 'c']) said.set(name, { 'USDC/EUR': '0.93' })
    await prices.refresh()
    assert.equal(prices.current('USDC', 'EUR')?.text, '0.930000')
    assert.deepEqual(prices.failing(), {})
  })

  test('goes on without a source that stopped', async () => {
    const { prices, said, pass } = makeWorld()
    await prices.refresh()
    said.set('a', 'down')
    said.set('b', { 'USDC/EUR': '0.93' })
    said.set('c', { 'USDC/EUR': '0.94' })
    pass(MAX_AGE_MS + 1)
    await prices.refresh()
    const price = prices.current('USDC', 'EUR')!
    assert.deepEqual([price.text, price.source], ['0.935000', 'b, c'])
  })

  test('a source that says its price is old is not believed, even if it was fresh before', async () => {
    const { prices, ages } = makeWorld(['a'])
    await prices.refresh()
    assert.ok(prices.current('USDC', 'EUR'))
    ages.set('a', MAX_AGE_MS + 1)
    await prices.refresh()
    assert.equal(prices.current('USDC', 'EUR'), undefined)
  })

  test('a price from the future is no fresher than the moment of asking', async () => {
    const { prices, ages, pass, said } = makeWorld(['a'])
    ages.set('a', -3_600_000)
    await prices.refresh()
    said.set('a', 'down')
    pass(MAX_AGE_MS + 1)
    assert.equal(prices.current('USDC', 'EUR'), undefined)
  })

  test('one that is far off is outvoted; two that contradict each other give no price', async () => {
    const { prices, said } = makeWorld()
    said.set('c', { 'USDC/EUR': '9.2' })
    await prices.refresh()
    const price = prices.current('USDC', 'EUR')!
    assert.deepEqual([price.text, price.source], ['0.920000', 'a, b'])
    said.set('b', {})
    const two = makeWorld(['a', 'b'])
    two.said.set('b', { 'USDC/EUR': '1.20' })
    await two.prices.refresh()
    assert.equal(two.prices.current('USDC', 'EUR'), undefined)
  })

  test('crosses the euro for other currencies, with the older of both times', async () => {
    const { prices, said } = makeWorld()
    said.set('a', {})
    await prices.refresh()
    assert.equal(prices.current('USDC', 'CLP')?.text, '920.000000')
    assert.equal(prices.current('EUR', 'CLP')?.text, '1000.000000')
    assert.equal(prices.current('USDC', 'MXN'), undefined)
    assert.equal(prices.current('EUR', 'EUR'), undefined)
    assert.equal(prices.current('NOSUCH', 'EUR'), undefined)
  })

  test('a crossed price ends when either half does', async () => {
    const { prices, said, pass } = makeWorld(['a'])
    await prices.refresh()
    assert.ok(prices.current('USDC', 'CLP'))
    pass(40_000)
    said.set('a', { 'USDC/EUR': '0.92' })
    await prices.refresh()
    assert.ok(prices.current('USDC', 'CLP'))
    pass(20_001)
    assert.ok(prices.current('USDC', 'EUR'))
    assert.equal(prices.current('USDC', 'CLP'), undefined)
  })
})

describe('a jump of the clock', () => {
  test('leaves the price usable until the sources were asked again', async () => {
    const { prices, clock } = makeWorld()
    await prices.refresh()
    clock.setOffsetMs(90 * 86_400_000)
    assert.ok(prices.current('USDC', 'EUR'))
    await prices.refresh()
    assert.equal(prices.current('USDC', 'EUR')?.updatedAt.getTime(), clock.now().getTime())
  })

  test('makes the price old when the sources do not answer after it', async () => {
    const { prices, clock, said } = makeWorld()
    await prices.refresh()
    for (const name of ['a', 'b', 'c']) said.set(name, 'down')
    clock.setOffsetMs(2 * MAX_AGE_MS)
    await prices.refresh()
    assert.equal(prices.current('USDC', 'EUR'), undefined)
  })
})

describe('findMissingPrices', () => {
  test('names the coins that lost their price, and why; not those that no source knows', async () => {
    const { prices, said, pass } = makeWorld(['a'])
    await prices.refresh()
    assert.deepEqual(findMissingPrices(prices), [])
    said.set('a', 'down')
    pass(MAX_AGE_MS + 1)
    await prices.refresh()
    const [waiting, ...more] = findMissingPrices(prices)
    assert.deepEqual([waiting!.what, more], ['a fresh price of USDC', []])
    assert.match(waiting!.why, /a: is down/)
  })

  test('names all of them before any source spoke', async () => {
    const { prices, said } = makeWorld(['a'])
    said.set('a', 'down')
    await prices.refresh()
    assert.match(findMissingPrices(prices)[0]!.what, /USDC.*ETH/)
  })

  test('misses nothing where no source is configured', () => {
    assert.deepEqual(findMissingPrices(makeWorld([]).prices), [])
  })
})

describe('medianOf', () => {
  test('of none is none, of an even number lies halfway', () => {
    assert.equal(medianOf([]), undefined)
    const quotes = ['1.00', '1.02'].map((text, index) => ({
      source: String(index),
      price: parsePrice(text, 'nearest')!,
      at: new Date(START_MS),
    }))
    assert.equal(medianOf(quotes)?.price.units, 1_010_000n)
  })
})
