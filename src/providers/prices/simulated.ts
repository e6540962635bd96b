import { createHash } from 'node:crypto'
import type { Clock } from '../../kernel/clock.ts'
import { crossPrice, type Price, parsePrice } from '../../money/rate.ts'
import { ProviderError } from '../provider-error.ts'
import type { PricePair, PriceSource } from './port.ts'

/** What a simulated source does when it is steered; the fault's name in the sandbox. */
export type PriceFault = 'fail' | 'hang' | 'late' | 'stale' | 'jump'

/** Where the walk begins and around which it stays, and how far it strays, in millionths. */
const SEEDS: Readonly<Record<string, { price: string; strayPpm: number }>> = {
  'USDC/EUR': { price: '0.9215', strayPpm: 1_500 },
  'USDT/EUR': { price: '0.9211', strayPpm: 1_500 },
  'BUSD/EUR': { price: '0.9207', strayPpm: 1_500 },
  'ETH/EUR': { price: '2310.55', strayPpm: 15_000 },
  'POL/EUR': { price: '0.2153', strayPpm: 15_000 },
  'BNB/EUR': { price: '781.4', strayPpm: 15_000 },
  'EUR/CLP': { price: '1045.5', strayPpm: 3_000 },
  'EUR/MXN': { price: '21.62', strayPpm: 3_000 },
  'EUR/COP': { price: '4610', strayPpm: 3_000 },
  'EUR/PEN': { price: '4.07', strayPpm: 3_000 },
  'EUR/ARS': { price: '1655', strayPpm: 3_000 },
}

/** Three, so that a median means something. */
const SOURCES = ['simulated-a', 'simulated-b', 'simulated-c'] as const
/** The sources disagree a little, as markets do. */
const DISAGREEMENT_PPM = 150
const STALE_BY_MS = 15 * 60_000
const LATE_BY_MS = 1_500
const GIVE_UP_AFTER_MS = 3_000
const JUMP_PPM = 100_000n

export interface SimulatedPricesOptions {
  clock: Clock
  /** The fault that meets this round of asking, if one was ordered. Asked once for all three sources. */
  takeFault: () => Promise<PriceFault | undefined>
  /** Waits in real time; the wait of a source that is late or hangs. */
  wait: (ms: number) => Promise<void>
}

/**
 * Price sources of the sandbox: a slow walk that is the same for everybody at the same moment of the platform's
 * clock, so that processes agree without talking. `fail`: no answer. `hang`: none until the caller gives up.
 * `late`: after 1.5 s. `stale`: prices of a quarter of an hour ago. `jump`: 10 % up.
 */
export function createSimulatedPrices({ clock, takeFault, wait }: SimulatedPricesOptions): PriceSource[] {
  let round: Promise<PriceFault | undefined> | undefined
  const faultOfRound = (): Promise<PriceFault | undefined> => {
    round ??= takeFault().finally(() => {
      round = undefined
    })
    return round
  }
  return SOURCES.map((name) => ({
    name,
    everyMs: 1_000,
    async latest(pairs) {
      const fault = await faultOfRound()
      if (fault === 'late') await wait(LATE_BY_MS)
      if (fault === 'hang') await wait(GIVE_UP_AFTER_MS)
      if (fault === 'fail' || fault === 'hang') {
        throw new ProviderError(name, 'not_sent', `no price was answered: the sandbox ordered "${fault}"`)
      }
      const at = new Date(clock.now().getTime() - (fault === 'stale' ? STALE_BY_MS : 0))
      return answer(name, pairs, at, fault === 'jump' ? JUMP_PPM : 0n)
    },
  }))
}

function answer(source: string, pairs: readonly PricePair[], at: Date, jumpPpm: bigint) {
  return pairs.flatMap(({ base, fiat }) => {
    const price = simulatedPrice(source, base, fiat, at, jumpPpm)
    return price ? [{ base, fiat, price, at }] : []
  })
}

/** The price a source has at a moment; undefined for a pair it doesn't know. */
export function simulatedPrice(
  source: string,
  base: string,
  fiat: string,
  at: Date,
  jumpPpm = 0n,
): Price | undefined {
  const pair = `${base}/${fiat}`
  const seed = Object.hasOwn(SEEDS, pair) ? SEEDS[pair] : undefined
  if (!seed) return undefined
  const timeMs = at.getTime()
  const slow = walk(`${pair}:slow`, timeMs, 3_600_000, seed.strayPpm)
  const fast = walk(`${pair}:fast`, timeMs, 60_000, Math.ceil(seed.strayPpm / 20))
  const own = walk(`${pair}:${source}`, timeMs, 300_000, DISAGREEMENT_PPM)
  const factor: Price = { units: 1_000_000n + BigInt(slow + fast + own) + jumpPpm, decimals: 6 }
  return crossPrice(parsePrice(seed.price, 'nearest')!, factor, 'nearest')
}

/** A smooth wander between −`strayPpm` and +`strayPpm`: a point drawn per period, straight lines between them. */
function walk(name: string, timeMs: number, periodMs: number, strayPpm: number): number {
  const period = Math.floor(timeMs / periodMs)
  const from = draw(name, period, strayPpm)
  const to = draw(name, period + 1, strayPpm)
  return from + Math.round(((to - from) * (timeMs - period * periodMs)) / periodMs)
}

function draw(name: string, period: number, strayPpm: number): number {
  const bits = createHash('sha256').update(`${name}:${period}`).digest().readUInt32BE()
  return (bits % (2 * strayPpm + 1)) - strayPpm
}
