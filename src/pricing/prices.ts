import type { Logger } from 'pino'
import type { Clock } from '../kernel/clock.ts'
import { COIN_ASSETS, FIAT_ASSETS } from '../money/asset.ts'
import { crossPrice, formatPrice, type Price } from '../money/rate.ts'
import type { PricePair, PriceSource, SourcePrice } from '../providers/prices/port.ts'
import { type FreshQuote, medianOf } from './median.ts'

/** A price that may be used now. */
export interface CurrentPrice {
  price: Price
  /** As the API writes it. */
  text: string
  /** The names of the sources it is the median of. */
  source: string
  /** The oldest time that one of those sources vouches for. */
  updatedAt: Date
}

export interface Prices {
  /**
   * What one whole coin (`USDC`), or one euro, costs in a currency: the median of the fresh sources, across the euro
   * where nobody quotes the pair itself. Undefined when no price is fresh or the sources contradict one another.
   */
  current(base: string, fiat: string): CurrentPrice | undefined
  /** Whether any source ever spoke of the pair, however long ago. */
  isKnown(base: string, fiat: string): boolean
  /** Asks the sources now, all of them, and waits for their answers. */
  refresh(): Promise<void>
  start(): void
  stop(): Promise<void>
  /** False where the configuration names none, and so nothing can be quoted. */
  hasSources: boolean
  /** The sources that gave no answer when they were last asked, with the reason, for `/readyz`. */
  failing(): Record<string, string>
}

export interface PricesOptions {
  sources: readonly PriceSource[]
  clock: Clock
  log: Logger
  /** A price older than this is never used. */
  maxAgeMs: number
}

interface Answered {
  value: CurrentPrice | undefined
  /** Until then the answer can't change unless a source is asked. */
  untilMs: number
}

const TICK_MS = 1_000

/** What the sources are asked for: each coin in euros, and the euro in each other currency. */
export const PAIRS: readonly PricePair[] = [
  ...new Set(COIN_ASSETS.map((asset) => asset.symbol)).values().map((base) => ({ base, fiat: 'EUR' })),
  ...FIAT_ASSETS.filter(({ symbol }) => symbol !== 'EUR').map(({ symbol }) => ({
    base: 'EUR',
    fiat: symbol,
  })),
]

/**
 * Keeps the latest prices of every source in this process' memory, so that a quote asks nobody. Each process asks for
 * itself; for a second they may differ by what the market moved.
 */
export function createPrices({ sources, clock, log, maxAgeMs }: PricesOptions): Prices {
  const quotes = new Map<string, Map<string, SourcePrice>>(PAIRS.map((pair) => [keyOf(pair), new Map()]))
  const answers = new Map<string, Answered>()
  const failures = new Map<string, string>()
  const askedAtMs = new Map<string, number>()
  // How far the platform's clock was moved when the sources were last asked. Until they are asked again a jump of
  // the clock does not age what they said: the sandbox would be without a price after each jump.
  let knownOffsetMs = clock.offsetMs()
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  const nowMs = (): number => clock.real().getTime() + knownOffsetMs

  async function ask(source: PriceSource, askedAt: Date): Promise<void> {
    try {
      const prices = await source.latest(PAIRS)
      for (const price of prices) {
        // Nobody vouches for the future: such a price would stay fresh for too long.
        const at = price.at > askedAt ? askedAt : price.at
        quotes.get(keyOf(price))?.set(source.name, { ...price, at })
      }
      if (failures.delete(source.name)) log.info({ source: source.name }, 'A price source answers again.')
    } catch (error) {
      if (!failures.has(source.name)) log.warn({ source: source.name, err: error }, 'A price source fails.')
      failures.set(source.name, error instanceof Error ? error.message : String(error))
    }
  }

  async function round(due: readonly PriceSource[]): Promise<void> {
    const askedAt = clock.now()
    const offsetMs = clock.offsetMs()
    for (const source of due) askedAtMs.set(source.name, clock.real().getTime())
    await Promise.all(due.map((source) => ask(source, askedAt)))
    knownOffsetMs = offsetMs
    answers.clear()
  }

  /** One round at a time; a source that is asked twice at once would only answer the same. */
  function refresh(): Promise<void> {
    const begin = (): Promise<void> => round(sources)
    const next = running ? running.then(begin) : begin()
    const settled = next.finally(() => {
      if (running === settled) running = undefined
    })
    running = settled
    return settled
  }

  function tick(): void {
    if (running) return
    const realMs = clock.real().getTime()
    const jumped = clock.offsetMs() !== knownOffsetMs
    const due = sources.filter(
      ({ name, everyMs }) => jumped || realMs - (askedAtMs.get(name) ?? -Infinity) >= everyMs,
    )
    if (due.length === 0) return
    const settled = round(due).finally(() => {
      if (running === settled) running = undefined
    })
    running = settled
  }

  function judge(base: string, fiat: string): Answered {
    const direct = quotes.get(`${base}/${fiat}`)
    if (!direct) return across(base, fiat)
    const now = nowMs()
    const fresh: FreshQuote[] = []
    for (const [source, { price, at }] of direct) {
      if (now - at.getTime() <= maxAgeMs) fresh.push({ source, price, at })
    }
    if (fresh.length === 0) return { value: undefined, untilMs: Infinity }
    const median = medianOf(fresh)
    const oldestMs = Math.min(...fresh.map(({ at }) => at.getTime()))
    return { value: median && currentPrice(median), untilMs: oldestMs + maxAgeMs }
  }

  function across(base: string, fiat: string): Answered {
    if (base === 'EUR' || fiat === 'EUR') return { value: undefined, untilMs: Infinity }
    const euros = current(base, 'EUR')
    const euro = euros && current('EUR', fiat)
    if (!euros || !euro) return { value: undefined, untilMs: Infinity }
    const price = crossPrice(euros.price, euro.price, 'nearest')
    const updatedAt = new Date(Math.min(euros.updatedAt.getTime(), euro.updatedAt.getTime()))
    const until = Math.min(...[`${base}/EUR`, `EUR/${fiat}`].map((pair) => answers.get(pair)?.untilMs ?? 0))
    if (price.units === 0n) return { value: undefined, untilMs: until }
    return { value: { price, text: formatPrice(price), source: euros.source, updatedAt }, untilMs: until }
  }

  function current(base: string, fiat: string): CurrentPrice | undefined {
    const pair = `${base}/${fiat}`
    const known = answers.get(pair)
    if (known && nowMs() <= known.untilMs) return known.value
    const answer = judge(base, fiat)
    answers.set(pair, answer)
    return answer.value
  }

  return {
    current,
    isKnown: (base, fiat) => (quotes.get(`${base}/${fiat}`)?.size ?? 0) > 0,
    refresh,
    hasSources: sources.length > 0,
    failing: () => Object.fromEntries(failures),
    start() {
      tick()
      timer = setInterval(tick, TICK_MS)
      timer.unref()
    },
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}

function currentPrice({ price, used }: { price: Price; used: readonly FreshQuote[] }): CurrentPrice {
  return {
    price,
    text: formatPrice(price),
    source: used.map(({ source }) => source).join(', '),
    updatedAt: new Date(Math.min(...used.map(({ at }) => at.getTime()))),
  }
}

function keyOf({ base, fiat }: PricePair): string {
  return `${base}/${fiat}`
}
