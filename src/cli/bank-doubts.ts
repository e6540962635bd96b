import { Command } from 'commander'
import { decideParts } from '../bank-accounts/batches/decide-parts.ts'
import { listSums } from '../bank-accounts/batches/divide-sums.ts'
import { type DoubtDecision, decideDoubt, listDoubtLines, listDoubts } from '../bank-accounts/line-doubts.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { printTable, recorded, withApp } from './context.ts'

interface DecideOptions {
  new?: true
  beside?: string[]
  same?: string
  partOf?: string
  dismiss?: true
  who: string
  why: string
}

const REASONS = {
  other_words: 'a known line may be the same in other words',
  not_on_statement: 'the statement of that day holds no such line',
  same_sum: 'known lines of that day come to the same sum',
  other_day: 'a known line of a day near by agrees with it: one source may give it another day',
  batch: 'known lines may be its transfers, or the sum that it is part of',
  told_again: 'the balance came back to what it was: an earlier statement may be told again',
} as const

/** `bank doubts`, `bank doubts decide`: lines that may be known ones. */
export function doubtsCommand(): Command {
  const command = new Command('doubts')
    .description('lines that may be known ones told otherwise: not in the books until decided')
    .option('--dismissed', 'those that a person decided to be no line; "decide" takes them too')
    .action(async ({ dismissed }: { dismissed?: true }) => {
      const rows = await withApp(async (app) => {
        const doubts = await listDoubts(app, dismissed ? 'dismissed' : 'open')
        return Promise.all(
          doubts.map(async ({ id, iban, toldBy, bookedOn, concept, reason, ...doubt }) => {
            const lines = await listDoubtLines(app.db, { iban, bookedOn, ...doubt })
            const sums = reason === 'batch' ? await listSums(app.db, { iban, id }) : []
            const sign = doubt.direction === 'debit' ? '-' : ''
            return {
              id,
              account: iban,
              booked: bookedOn,
              amount: `${sign}${formatAmount(doubt.units, assetOf(doubt.currency))} ${doubt.currency}`,
              by: toldBy,
              concept,
              why: REASONS[reason],
              ...(dismissed && { dismissed: doubt.decidedAt?.toISOString() ?? null }),
              'may be': lines.map((line) => line.id).join(' ') || null,
              'may be part of': sums.join(' ') || null,
            }
          }),
        )
      })
      printTable(rows, dismissed ? 'No line is dismissed.' : 'No line is in doubt.')
    })
  recorded(command.command('decide'))
    .description('what a person found out: a line of its own, a known one, or none')
    .argument('<doubts...>', 'their ids in "bank doubts"')
    .option('--new', 'it is a line of its own, and no part or sum of known lines: book it')
    .option(
      '--beside <line>',
      'with --new: it is other money than that line, which fits as its sum or transfer; may be said again',
      (line: string, before: string[] = []) => [...before, line],
    )
    .option('--part-of <line>', 'they are all the transfers of that sum: book them in its place')
    .option('--same <line>', 'it is that known line')
    .option(
      '--dismiss',
      'nothing is to be booked: its money is in the books in other pieces (batch), or it never moved',
    )
    .action(async (ids: string[], options: DecideOptions) => {
      const decision = decisionOf(options)
      await withApp(async (app) => {
        if (decision.is === 'part') {
          await decideParts(app, ids, decision.of, options)
          console.log(`${ids.join(', ')}: booked in place of ${decision.of}.`)
          return
        }
        for (const id of ids) {
          await decideDoubt(app, id, decision, options)
          console.log(`${id} is decided.`)
        }
      })
    })
  return command
}

type Decision = DoubtDecision | { is: 'part'; of: string }

function decisionOf({ new: isNew, beside, same, partOf, dismiss }: DecideOptions): Decision {
  const given: Decision[] = [
    ...(isNew ? [{ is: 'new', ...(beside === undefined ? {} : { beside }) } as const] : []),
    ...(same === undefined ? [] : [{ is: 'same', transactionId: same } as const]),
    ...(partOf === undefined ? [] : [{ is: 'part', of: partOf } as const]),
    ...(dismiss ? [{ is: 'dismissed' } as const] : []),
  ]
  const [decision] = given
  if (!decision || given.length > 1)
    throw new RefusedOperation('Say one of --new, --same <line>, --part-of <line> and --dismiss.')
  if (beside !== undefined && !isNew) throw new RefusedOperation('Say --beside with --new.')
  return decision
}
