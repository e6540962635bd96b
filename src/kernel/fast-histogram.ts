import type { Metric, Registry } from 'prom-client'

export interface FastHistogram {
  /** Where one value of the label is counted; ask once and keep it. */
  series(value: string): (seconds: number) => void
}

export interface FastHistogramOptions {
  name: string
  help: string
  labelName: string
  /** Upper bounds, growing. */
  buckets: readonly number[]
  register: Registry
}

/**
 * A histogram of Prometheus with one label whose series are counted in plain arrays. The client library's own looks
 * its labels up and hashes them for each observation, which cost a quote 4 of its 47 µs.
 */
export function createFastHistogram(options: FastHistogramOptions): FastHistogram {
  const { name, help, labelName, buckets, register } = options
  const all = new Map<string, { counts: Float64Array; sum: number }>()

  function seriesOf(value: string): { counts: Float64Array; sum: number } {
    let series = all.get(value)
    if (!series) all.set(value, (series = { counts: new Float64Array(buckets.length + 1), sum: 0 }))
    return series
  }

  function valuesOf(value: string, { counts, sum }: { counts: Float64Array; sum: number }) {
    const labels = { [labelName]: value }
    let total = 0
    const bounds = [...buckets, '+Inf'].map((le, index) => {
      total += counts[index]!
      return { labels: { le, ...labels }, value: total, metricName: `${name}_bucket` }
    })
    return [
      ...bounds,
      { labels, value: sum, metricName: `${name}_sum` },
      { labels, value: total, metricName: `${name}_count` },
    ]
  }

  const metric = {
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    async get() {
      const values = [...all].flatMap(([value, series]) => valuesOf(value, series))
      return { name, help, type: 'histogram', aggregator: 'sum', values }
    },
    reset: () => all.clear(),
  }
  register.registerMetric(metric as unknown as Metric)

  return {
    series(value) {
      const series = seriesOf(value)
      return (seconds) => {
        let bucket = 0
        while (bucket < buckets.length && seconds > buckets[bucket]!) bucket += 1
        series.counts[bucket]! += 1
        series.sum += seconds
      }
    },
  }
}
