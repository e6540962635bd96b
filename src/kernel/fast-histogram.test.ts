import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Histogram, Registry } from 'prom-client'
import { createFastHistogram } from './fast-histogram.ts'

test('says what the client library’s own histogram says', async () => {
  const buckets = [0.001, 0.5, 2]
  const observations = fc.array(
    fc.tuple(fc.constantFrom('quote', 'pay'), fc.constantFrom(0, 0.001, 0.0011, 0.5, 1, 2, 2.1, 60)),
    { minLength: 1 },
  )
  await fc.assert(
    fc.asyncProperty(observations, async (observed) => {
      const [ours, theirs] = [new Registry(), new Registry()]
      const common = { name: 'duration_seconds', help: 'Time.', buckets }
      const fast = createFastHistogram({ ...common, labelName: 'endpoint', register: ours })
      const own = new Histogram({ ...common, labelNames: ['endpoint'], registers: [theirs] })
      const series = new Map(observed.map(([endpoint]) => [endpoint, fast.series(endpoint)]))
      for (const [endpoint, seconds] of observed) {
        series.get(endpoint)!(seconds)
        own.observe({ endpoint }, seconds)
      }
      assert.equal(await ours.metrics(), await theirs.metrics())
    }),
    { numRuns: 50 },
  )
})
