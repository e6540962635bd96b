/** Has work done one after the other within this process, in the order in which it is asked for. */
export function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let queue: Promise<unknown> = Promise.resolve()
  return (work) => {
    const result = queue.then(work)
    queue = result.catch(() => {
      // Its own caller hears of the failure; the next in line does not depend on it.
    })
    return result
  }
}
