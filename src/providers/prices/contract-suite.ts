import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parsePrice } from '../../money/rate.ts'
import { ProviderError } from '../provider-error.ts'
import type { PricePair, PriceSource } from './port.ts'

export interface PriceSourceUnderTest {
  source: PriceSource
  /** The platform's time at which it is asked. */
  now: Date
  /** Pairs it knows. */
  known: readonly PricePair[]
  /** Makes the next answer fail. */
  breakDown(): void
}

/** What holds for every source of prices. */
export function priceSourceSuite(name: string, open: () => Promise<PriceSourceUnderTest>): void {
  describe(`price source contract: ${name}`, () => {
    test('answers each pair it knows once, with a positive price of now or before', async () => {
      const { source, now, known } = await open()
      const prices = await source.latest(known)
      assert.deepEqual(
        prices.map(({ base, fiat }) => `${base}/${fiat}`).sort(),
        known.map(({ base, fiat }) => `${base}/${fiat}`).sort(),
      )
      for (const { price, at } of prices) {
        assert.ok(price.units > 0n)
        assert.ok(at <= now, `${at.toISOString()} is after ${now.toISOString()}`)
        assert.ok(now.getTime() - at.getTime() < 60_000)
      }
    })

    test('a stablecoin costs about a euro: the price is not upside down by a factor', async () => {
      const { source } = await open()
      const [usdc] = await source.latest([{ base: 'USDC', fiat: 'EUR' }])
      const about = (text: string) => parsePrice(text, 'nearest')!.units
      assert.ok(usdc!.price.units > about('0.6') && usdc!.price.units < about('1.4'))
    })

    test('leaves out what it does not know', async () => {
      const { source, known } = await open()
      const unknown = { base: 'NOSUCHCOIN', fiat: 'EUR' }
      const prices = await source.latest([unknown, ...known.slice(0, 1)])
      assert.deepEqual(
        prices.map(({ base }) => base),
        known.slice(0, 1).map(({ base }) => base),
      )
      assert.deepEqual(await source.latest([unknown]), [])
    })

    test('a failure is a ProviderError that may be tried again or was refused', async () => {
      const { source, known, breakDown } = await open()
      breakDown()
      await assert.rejects(source.latest(known), (error) => {
        assert.ok(error instanceof ProviderError)
        assert.ok(error.outcome === 'not_sent' || error.outcome === 'rejected')
        assert.ok(error.message.includes(source.name))
        return true
      })
    })
  })
}
