import { Command, InvalidArgumentError, Option } from 'commander'
import type { Db } from '../db/database.ts'
import { STUCK_CODES, type StuckCode } from '../kernel/stuck-thresholds.ts'
import { countStuck, findStuck, type StuckItem } from '../ledger/find-stuck.ts'
import { STUCK_RULES } from '../ledger/stuck-rules.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { printTable, withApp } from './context.ts'
import { integerArgument } from './integration.ts'

/** So many of the newest are shown of a kind that has more than the limit. */
const NEWEST = 5

interface Options {
  rule?: StuckCode
  rules?: true
  json?: true
  limit: number
}

/** `stuck`: money that should have moved by now. */
export function stuckCommand(): Command {
  return new Command('stuck')
    .description(
      'money that should have moved by now, oldest first; ends with code 1 when some of it is urgent',
    )
    .addOption(new Option('--rule <code>', 'of one kind').choices(STUCK_CODES))
    .option('--rules', 'list the kinds, and after how long each counts')
    .option('--limit <n>', 'how many of each kind at most', limitArgument, 50)
    .option('--json', 'one JSON document, with amounts as decimal text')
    .addHelpText('after', '\nSTUCK_AFTER changes after how long something counts as stuck.')
    .action(({ rule, rules, json, limit }: Options) =>
      withApp(async ({ db, clock, config }) => {
        if (rules) return printRules(config.stuckAfter, json)
        const now = clock.now()
        const asked = { now, after: config.stuckAfter }
        const found = await findStuck(db, asked, { only: rule, limit })
        if (json) printJson(found, now)
        else {
          printItems(found, now)
          await printMore(db, asked, found)
        }
        if (found.some((item) => ruleOf(item).severity === 'high')) process.exitCode = 1
      }),
    )
}

function limitArgument(text: string): number {
  const limit = integerArgument(text)
  if (limit === 0) throw new InvalidArgumentError('It must be 1 or more.')
  return limit
}

const ruleOf = ({ rule }: Pick<StuckItem, 'rule'>) => STUCK_RULES.find(({ code }) => code === rule)!

function printRules(after: Readonly<Record<StuckCode, number | null>>, json: true | undefined): void {
  const rows = STUCK_RULES.map(({ code, severity, says, mend }) => ({
    rule: code,
    after: after[code] === null ? 'off' : durationText(after[code]),
    severity,
    says,
    mend,
  }))
  if (json) console.log(JSON.stringify(rows, null, 2))
  else
    printTable(
      rows.map(({ mend: _, ...row }) => row),
      'There are no kinds.',
    )
}

function amountText({ asset, units }: StuckItem): string | null {
  return asset === null || units === null ? null : formatAmount(units, assetOf(asset))
}

function printJson(found: readonly StuckItem[], now: Date): void {
  const items = found.map((item) => ({
    rule: item.rule,
    severity: ruleOf(item).severity,
    reference: item.reference,
    asset: item.asset,
    amount: amountText(item),
    since: item.since.toISOString(),
    age_seconds: Math.floor((now.getTime() - item.since.getTime()) / 1000),
    why: item.why,
    mend: ruleOf(item).mend,
  }))
  console.log(JSON.stringify(items, null, 2))
}

function printItems(found: readonly StuckItem[], now: Date): void {
  printTable(
    found.map((item) => ({
      age: durationText(now.getTime() - item.since.getTime()),
      rule: item.rule,
      severity: ruleOf(item).severity,
      reference: item.reference,
      amount: item.asset && amountText(item) ? `${amountText(item)} ${item.asset}` : null,
      why: item.why,
    })),
    'Nothing is stuck.',
  )
  const kinds = STUCK_RULES.filter(({ code }) => found.some(({ rule }) => rule === code))
  if (kinds.length > 0) console.log()
  for (const { code, says, mend } of kinds) console.log(`${code}: ${says}\n  ${mend}`)
}

/** What the limit kept back, with the newest of each kind: new trouble is not to hide behind old. */
async function printMore(
  db: Db,
  asked: Parameters<typeof countStuck>[1],
  found: readonly StuckItem[],
): Promise<void> {
  for (const { rule, count } of await countStuck(db, asked)) {
    const shown = found.filter((item) => item.rule === rule.code)
    if (shown.length === 0 || count <= shown.length) continue
    console.log(`\n${rule.code}: and ${count - shown.length} more: --limit ${count} lists them. The newest:`)
    const most = Math.min(NEWEST, count - shown.length)
    const newest = await findStuck(db, asked, { only: rule.code, limit: most, newest: true })
    for (const item of newest) {
      const amount = item.asset && amountText(item) ? ` ${amountText(item)} ${item.asset}` : ''
      const age = durationText(asked.now.getTime() - item.since.getTime())
      console.log(`  ${age} ${item.reference}${amount}${item.why ? ` ${item.why}` : ''}`)
    }
  }
}

/** The two largest units, such as `3d4h`. */
export function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  if (first === -1) return '0s'
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join('')
}
