import { keyOf, type Line } from './find-candidates.ts'

/**
 * Parts of about the same size that can be matched beside each other. Lines of the same payer, with the same text, or that
 * name the same payment stay together, in their order: they are judged one after the other, and no part waits for a lock of
 * another one's. `named` are the payments that lines name, by the line.
 */
export function splitLines(
  lines: readonly Line[],
  named: ReadonlyMap<string, string>,
  most: number,
): Line[][] {
  if (lines.length <= most) return lines.length === 0 ? [] : [[...lines]]
  const groups = groupRelated(lines, named)
  const parts: Line[][] = Array.from({ length: Math.ceil(lines.length / most) }, () => [])
  for (const group of groups.sort((a, b) => b.length - a.length)) {
    const smallest = parts.reduce((least, part) => (part.length < least.length ? part : least))
    smallest.push(...group)
  }
  const order = new Map(lines.map((line, at) => [line, at]))
  for (const part of parts) part.sort((a, b) => order.get(a)! - order.get(b)!)
  return parts.filter((part) => part.length > 0)
}

function groupRelated(lines: readonly Line[], named: ReadonlyMap<string, string>): Line[][] {
  // Each line points to one that it is related to, in the end to the one that stands for all of them.
  const towards = lines.map((_, at) => at)
  const rootOf = (at: number): number => {
    let root = at
    while (towards[root] !== root) root = towards[root] = towards[towards[root]!]!
    return root
  }
  const firstWith = new Map<string, number>()
  for (const [at, line] of lines.entries()) {
    for (const trait of traitsOf(line, named.get(keyOf(line)))) {
      const first = firstWith.get(trait)
      if (first === undefined) firstWith.set(trait, at)
      else towards[rootOf(at)] = rootOf(first)
    }
  }
  return [...Map.groupBy(lines.entries(), ([at]) => rootOf(at)).values()].map((group) =>
    group.map(([, line]) => line),
  )
}

function traitsOf({ payerIndex, concept }: Line, paymentId: string | undefined): string[] {
  const traits = [payerIndex ? `payer ${payerIndex.toString('latin1')}` : `text ${concept}`]
  if (paymentId !== undefined) traits.push(`payment ${paymentId}`)
  return traits
}
