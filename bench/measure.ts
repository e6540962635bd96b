import { performance } from 'node:perf_hooks'

/** One line of the report: a figure beside its baseline, from the same run. */
export interface Figure {
  what: string
  measured: string
  baseline: string
  /** Measured against baseline. */
  ratio: number
  /** What the ratio must be. */
  required: { atLeast: number } | { atMost: number }
}

/** One benchmark; `run` starts what it needs and ends it. */
export interface Benchmark {
  name: string
  about: string
  run(tell: (line: string) => void): Promise<Figure[]>
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/**
 * Runs A, B, then B, A, and so on, and answers the medians and the median of the pairs' ratios, A against B: the
 * machine's speed drifts, and what runs side by side drifts alike. The first pair warms up and is left out.
 */
export async function interleave(
  rounds: number,
  a: () => Promise<number>,
  b: () => Promise<number>,
  tell: (line: string) => void,
): Promise<{ a: number; b: number; ratio: number }> {
  const as: number[] = []
  const bs: number[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const first = round % 2 === 0 ? await a() : undefined
    const ofB = await b()
    const ofA = first ?? (await a())
    tell(
      `round ${round}${round === 0 ? ' (warming up)' : ''}: ${ofA.toFixed(0)} against ${ofB.toFixed(0)}, ${(ofA / ofB).toFixed(2)}`,
    )
    if (round === 0) continue
    as.push(ofA)
    bs.push(ofB)
  }
  return { a: median(as), b: median(bs), ratio: median(as.map((value, place) => value / bs[place]!)) }
}

/** Calls a second while `atOnce` loops call `work` for `seconds`. */
export async function rate(seconds: number, atOnce: number, work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  const until = began + seconds * 1000
  let count = 0
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (performance.now() < until) {
        await work()
        count += 1
      }
    }),
  )
  return count / ((performance.now() - began) / 1000)
}

export function isMet({ ratio, required }: Figure): boolean {
  return 'atLeast' in required ? ratio >= required.atLeast : ratio <= required.atMost
}
