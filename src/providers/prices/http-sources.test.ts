import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MockAgent } from 'undici'
import { createClock } from '../../kernel/clock.ts'
import { formatPrice } from '../../money/rate.ts'
import { createCoinbasePrices, readExchangeRates } from './coinbase.ts'
import { priceSourceSuite } from './contract-suite.ts'
import { createKrakenPrices, readTicker } from './kraken.ts'

const NOW = new Date('2026-06-26T10:30:00Z')
const clock = createClock(() => NOW.getTime())
const EUROS = ['USDC', 'ETH'].map((base) => ({ base, fiat: 'EUR' }))

/** As the public ticker answers. */
const TICKER = {
  error: [],
  result: {
    USDCEUR: {
      a: ['0.92160', '8000', '8000.000'],
      b: ['0.92150', '1200', '1200.000'],
      c: ['0.92160', '55.10000000'],
      v: ['1203311.20', '3311021.92'],
      p: ['0.92144', '0.92151'],
      t: [1201, 3402],
      l: ['0.92010', '0.92001'],
      h: ['0.92280', '0.92310'],
      o: '0.92103',
    },
    XETHZEUR: {
      a: ['2310.60', '1', '1.000'],
      b: ['2310.55', '4', '4.000'],
      c: ['2310.59', '0.1'],
      o: '2298.11',
    },
  },
}

/** As the public exchange rates answer. */
const RATES = {
  data: {
    currency: 'EUR',
    rates: {
      USDC: '1.0852',
      ETH: '0.0004327926414',
      CLP: '1045.512',
      MXN: '21.6201',
      BAD: 'n/a',
      __proto__: '1',
    },
  },
}

/** A dispatcher that answers from memory and refuses the network. */
function answering(origin: string) {
  const agent = new MockAgent()
  agent.disableNetConnect()
  const next: { status: number; body: unknown }[] = []
  return {
    agent,
    reply(body: unknown, status = 200) {
      next.unshift({ status, body })
      agent
        .get(origin)
        .intercept({ path: () => true })
        .reply(() => {
          const { status: statusCode, body: data } = next.shift()!
          return { statusCode, data: typeof data === 'string' ? data : JSON.stringify(data) }
        })
    },
  }
}

priceSourceSuite('kraken, from a recorded answer', async () => {
  const network = answering('https://api.kraken.com')
  for (let answers = 0; answers < 3; answers += 1) network.reply(TICKER)
  const source = createKrakenPrices({ clock, dispatcher: network.agent })
  return { source, now: NOW, known: EUROS, breakDown: () => network.reply('Service Unavailable', 503) }
})

priceSourceSuite('coinbase, from a recorded answer', async () => {
  const network = answering('https://api.coinbase.com')
  for (let answers = 0; answers < 3; answers += 1) network.reply(RATES)
  const source = createCoinbasePrices({ clock, dispatcher: network.agent })
  const known = [...EUROS, { base: 'EUR', fiat: 'CLP' }]
  return { source, now: NOW, known, breakDown: () => network.reply('<html>', 200) }
})

describe('kraken', () => {
  test('the price is halfway between ask and bid, found under its older name too', () => {
    const prices = readTicker(TICKER, EUROS, NOW)
    assert.deepEqual(
      prices.map(({ base, price }) => [base, formatPrice(price)]),
      [
        ['USDC', '0.921550'],
        ['ETH', '2310.575000'],
      ],
    )
  })

  test('asks only for markets that it has', async () => {
    const network = answering('https://api.kraken.com')
    const source = createKrakenPrices({ clock, dispatcher: network.agent })
    assert.deepEqual(await source.latest([{ base: 'EUR', fiat: 'CLP' }]), [])
  })

  test('a refusal and an answer without a result are errors, a broken market is left out', () => {
    assert.throws(
      () => readTicker({ error: ['EQuery:Unknown asset pair'] }, EUROS, NOW),
      /Unknown asset pair/,
    )
    assert.throws(() => readTicker(null, EUROS, NOW), /no result/)
    const broken = { error: [], result: { USDCEUR: { a: ['0'], b: [] }, XETHZEUR: 7 } }
    assert.deepEqual(readTicker(broken, EUROS, NOW), [])
  })
})

describe('coinbase', () => {
  test('turns what a euro buys into what a coin costs', () => {
    const pairs = [
      ...EUROS,
      { base: 'EUR', fiat: 'CLP' },
      { base: 'BAD', fiat: 'EUR' },
      { base: 'ETH', fiat: 'CLP' },
    ]
    assert.deepEqual(
      readExchangeRates(RATES, pairs, NOW).map(({ base, fiat, price }) => [base, fiat, formatPrice(price)]),
      [
        ['USDC', 'EUR', '0.921489'],
        ['ETH', 'EUR', '2310.575329'],
        ['EUR', 'CLP', '1045.512000'],
      ],
    )
  })

  test('rates of another currency are refused', () => {
    assert.throws(() => readExchangeRates({ data: { currency: 'USD', rates: {} } }, EUROS, NOW), /euro/)
  })
})
