import type { ComparedWords } from './compare-words.ts'
import type { Finding, KnownLine, ToldLine } from './pair-lines.ts'

/** Beyond this many comparisons in one pass no more are made: on whole days the order decides then, else a person. */
const MOST_COMPARISONS = 2_000_000
/** So many paired lines are passed over before a queue is rid of them. */
const MOST_PASSED = 32

export interface Told {
  line: ToldLine
  words: ComparedWords
  isPaired: boolean
  /** It has a reference by which it was not found: it is none of those to which this kind of message gave one. */
  isNamed: boolean
}

export interface Known {
  line: KnownLine
  words: ComparedWords
  isPaired: boolean
  /** This kind of message gave it a reference. */
  isNamed: boolean
}

/** Whether a told line may be this known one. */
export type May = (line: Told, one: Known) => boolean

interface PassOptions {
  may?: May
  /** Also what its references say to be another line. */
  anyName?: boolean
  /** Of what may be of two days only the likelier one's. */
  onlyLikely?: boolean
}

interface Pass {
  /** Those that have a key in common, in their order; keys that fewer have count first. */
  byKey(
    keysOf: (line: Told) => readonly string[],
    knownKeysOf: (one: Known) => readonly string[],
    options?: PassOptions,
  ): void
  /** Any; of what may be of two days only the likelier one's. */
  inOrder(may: May, options?: Pick<PassOptions, 'anyName'>): void
}

/** Ways to pair the lines that are not paired yet, each told one with the first known one that it may be. */
export function createPass(told: readonly Told[], known: readonly Known[], findings: Finding[]): Pass {
  const leftOf = <Line extends { isPaired: boolean }>(lines: readonly Line[]): Line[] =>
    lines.filter(({ isPaired }) => !isPaired)

  function pair(line: Told, one: Known): void {
    findings.push({ number: line.line.number, is: 'known', id: one.line.id })
    line.isPaired = true
    one.isPaired = true
  }

  return {
    byKey(keysOf, knownKeysOf, { may = () => true, anyName = false, onlyLikely = false } = {}) {
      const lines = leftOf(told)
      if (lines.length === 0) return
      const queues = new Map<string, Queue>()
      for (const one of leftOf(known)) {
        if (onlyLikely && !one.line.likely) continue
        for (const key of new Set(knownKeysOf(one))) {
          const queue = queues.get(key)
          if (queue) add(queue, one)
          else queues.set(key, queueOf([one]))
        }
      }
      const search = { may, anyName, left: MOST_COMPARISONS }
      for (const line of lines) {
        const found = keysOf(line).flatMap((key) => queues.get(key) ?? [])
        for (const queue of found.sort((a, b) => a.all.length - b.all.length)) {
          const one = findFirst(queue, line, search)
          if (!one) continue
          pair(line, one)
          break
        }
      }
    },
    inOrder(may, { anyName = false } = {}) {
      const queue = queueOf(leftOf(known).filter(({ line }) => line.likely))
      const search = { may, anyName, left: MOST_COMPARISONS }
      for (const line of leftOf(told)) {
        const one = findFirst(queue, line, search)
        if (one) pair(line, one)
      }
    },
  }
}

/** Known lines in their order. */
interface Queue {
  all: Known[]
  unnamed: Known[]
}

const queueOf = (lines: readonly Known[]): Queue => ({
  all: [...lines],
  unnamed: lines.filter(({ isNamed }) => !isNamed),
})

function add(queue: Queue, one: Known): void {
  queue.all.push(one)
  if (!one.isNamed) queue.unnamed.push(one)
}

interface Search {
  may: May
  anyName: boolean
  /** Comparisons that are left. */
  left: number
}

function findFirst(queue: Queue, line: Told, search: Search): Known | undefined {
  const which = line.isNamed && !search.anyName ? 'unnamed' : 'all'
  let passed = 0
  let found: Known | undefined
  for (const one of queue[which]) {
    if (one.isPaired) {
      passed += 1
      continue
    }
    if (search.left <= 0) break
    search.left -= 1
    if (!search.may(line, one)) continue
    found = one
    break
  }
  if (passed > MOST_PASSED) queue[which] = queue[which].filter(({ isPaired }) => !isPaired)
  return found
}
