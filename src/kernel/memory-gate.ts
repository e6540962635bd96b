/**
 * Bounds how much memory large requests hold at once: whoever is about to hold many bytes asks for them first, and
 * waits while others hold too many. In the order of asking, but nobody waits behind an owner who has used up its own
 * share.
 */
export interface MemoryGate {
  /** Answers the function that gives the bytes back; undefined when there was no room within the time. */
  enter(owner: string, bytes: number): Promise<(() => void) | undefined>
}

export interface MemoryGateOptions {
  totalBytes: number
  /** What one owner holds at most while others might come. */
  ownerBytes: number
  /** How many wait at most; more are turned away at once. */
  mostWaiting: number
  longestWaitMs: number
}

interface Waiting {
  owner: string
  bytes: number
  answer(leave: (() => void) | undefined): void
}

export function createMemoryGate(options: MemoryGateOptions): MemoryGate {
  const { totalBytes, ownerBytes, mostWaiting, longestWaitMs } = options
  const held = new Map<string, number>()
  let total = 0
  let waiting: Waiting[] = []

  const fitsOwner = ({ owner, bytes }: Waiting): boolean => (held.get(owner) ?? 0) + bytes <= ownerBytes
  const fits = (asked: Waiting): boolean => fitsOwner(asked) && total + asked.bytes <= totalBytes

  function take({ owner, bytes }: Waiting): () => void {
    total += bytes
    held.set(owner, (held.get(owner) ?? 0) + bytes)
    let left = false
    return () => {
      if (left) return
      left = true
      total -= bytes
      const rest = (held.get(owner) ?? 0) - bytes
      if (rest > 0) held.set(owner, rest)
      else held.delete(owner)
      letIn()
    }
  }

  function letIn(): void {
    for (const asked of [...waiting]) {
      if (fits(asked)) {
        waiting = waiting.filter((other) => other !== asked)
        asked.answer(take(asked))
      } else if (fitsOwner(asked)) {
        // Who is behind must not overtake, or a large one would wait for ever.
        return
      }
    }
  }

  return {
    enter(owner, bytes) {
      // More than there is can never be held: it waits until it is alone.
      const asked = { owner, bytes: Math.min(bytes, totalBytes, ownerBytes) }
      return new Promise((resolve) => {
        const entry: Waiting = { ...asked, answer: resolve }
        if (waiting.every((other) => !fitsOwner(other)) && fits(entry)) return resolve(take(entry))
        if (waiting.length >= mostWaiting) return resolve(undefined)
        const timer = setTimeout(() => {
          waiting = waiting.filter((other) => other !== entry)
          resolve(undefined)
          // It may have been the one that the others waited behind.
          letIn()
        }, longestWaitMs)
        entry.answer = (leave) => {
          clearTimeout(timer)
          resolve(leave)
        }
        waiting.push(entry)
      })
    },
  }
}
