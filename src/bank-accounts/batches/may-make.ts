/** Beyond this many sums of some lines it is not found out: it may be so. */
const MOST_SUMS = 50_000

/** Whether exactly so many of these lines may come to so much. */
export function mayMake(
  lines: readonly { units: bigint }[],
  { units, count }: { units: bigint; count: number },
): boolean {
  if (lines.length < count) return false
  /** What so many of the lines can come to, by how many. */
  const sums = Array.from({ length: count + 1 }, () => new Set<bigint>())
  sums[0]!.add(0n)
  let held = 1
  for (const line of lines) {
    for (let taken = count; taken > 0; taken -= 1) {
      const to = sums[taken]!
      for (const sum of sums[taken - 1]!) {
        if (sum + line.units > units || to.has(sum + line.units)) continue
        to.add(sum + line.units)
        held += 1
      }
    }
    if (sums[count]!.has(units)) return true
    if (held > MOST_SUMS) return true
  }
  return false
}
