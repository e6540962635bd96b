import { userInfo } from 'node:os'
import { Command } from 'commander'
import { type ClosedDay, closeDay } from '../bank-accounts/close-day.ts'
import type { DayDifference, DifferenceCause } from '../bank-accounts/closing/compare-day.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { printTable, withApp } from './context.ts'

interface Options {
  date: string
  iban?: string
  who: string
  json?: true
}

/** `bank close`: a day's end, bank against books. */
export function closeCommand(): Command {
  return new Command('close')
    .description('compare what each account held at the end of a day by its bank and by the books')
    .requiredOption('--date <day>', 'such as 2026-03-31; a day that is over')
    .option('--iban <iban>', 'one account alone')
    .option('--who <name>', 'who closes it; remembered with what was found', userInfo().username)
    .option('--json', 'one JSON document, with amounts as decimal text')
    .addHelpText(
      'after',
      '\nNames each difference with its cause, and ends with code 1 when there is one. It changes nothing else and may be done\nagain; what is booked into a day that was closed is named the next time.',
    )
    .action(async ({ date, iban, who, json }: Options) => {
      const days = await withApp((app) => closeDay(app, { day: date, iban }, who))
      if (json) console.log(JSON.stringify(days.map(asJson), null, 2))
      else for (const day of days) printDay(day)
      if (!json) printTotals(days)
      if (days.some(({ agreed }) => !agreed)) process.exitCode = 1
    })
}

const CAUSES: Readonly<Record<DifferenceCause, string>> = {
  missing_statement: 'no statement covers it; import it',
  early_statement: 'the statement was made while the day ran; import the next one',
  gap: 'the statements on both sides don’t meet: import the one between',
  before_statements: 'the first statement opens with what the books don’t have ("bank opening")',
  not_on_statement: 'in the books, but not on the statement: ask the bank whether it stands',
  other_day: 'the bank’s statement has it under another day',
  doubt: 'told, and not in the books: decide it ("bank doubts")',
  batch: 'one sum on one side is several lines on the other: decide it ("bank doubts")',
  not_read: 'at the bank, and not read yet: it comes by itself',
  not_at_bank: 'a statement told of it, the bank’s list doesn’t have it',
  order_not_on_statement: 'the bank said that it booked this order; its line is missing',
  late_line: 'booked into a day that was closed before',
  bank_silent: 'nobody says what the account held',
  unexplained: 'no line explains it; "ledger verify" proves the books',
}

const money = (units: bigint, currency: string): string => formatAmount(units, assetOf(currency))

function printDay(day: ClosedDay): void {
  const { iban, currency, toldBy, bankUnits, ledgerUnits, differenceUnits, differences } = day
  const text = (units: bigint | null): string =>
    units === null ? '?' : `${money(units, currency)} ${currency}`
  const teller = { statement: 'statement', bank: 'bank', none: 'bank' }[toldBy]
  console.log(`${iban} on ${day.day}${day.run > 1 ? `, closed ${day.run} times` : ''}`)
  console.log(
    `  ${teller} ${text(bankUnits)}, books ${text(ledgerUnits)}, difference ${text(differenceUnits)}`,
  )
  if (differences.length === 0) console.log('  It agrees.')
  for (const one of differences) console.log(`  ${differenceText(one, currency)}`)
  printStanding(day)
  console.log()
}

function differenceText(one: DayDifference, currency: string): string {
  const { cause, on, toOn, units, aboutUnits, reference, detail } = one
  const amount =
    units === 0n && aboutUnits === 0n ? '' : ` ${money(units === 0n ? aboutUnits : units, currency)}`
  const beside = units === 0n && aboutUnits !== 0n ? ' (beside the balances)' : ''
  const days = toOn === null ? on : `${on} to ${toOn}`
  const more = [reference, detail].filter((part) => part !== null).join(', ')
  return `✗ ${days}${amount}${beside} ${cause}: ${CAUSES[cause]}${more ? ` [${more}]` : ''}`
}

/** What neither balance tells: where the money of the books belongs. */
function printStanding({ currency, standing }: ClosedDay): void {
  const { leavingUnits, leavingOrders, suspense, suspenseUnits, returned, batches } = standing
  const text = (units: bigint): string => `${money(units, currency)} ${currency}`
  if (leavingUnits !== 0n || leavingOrders > 0)
    console.log(
      `  On its way out, and not on the account’s list yet: ${text(leavingUnits)}, ${leavingOrders} orders`,
    )
  if (suspense.length > 0)
    console.log(
      `  Without an owner: ${text(suspenseUnits)} (${suspense.map(({ age, lines, units }) => `${age}: ${lines} lines, ${text(units)}`).join('; ')})`,
    )
  for (const { id, on, units, why } of returned)
    console.log(`  Came back and waits for a person: ${on} ${text(units)} [${id}${why ? `, ${why}` : ''}]`)
  for (const { id, on, units, fileId } of batches)
    console.log(`  May be the one sum of file ${fileId}: ${on} ${text(units)} [${id}], "bank orders settle"`)
}

function printTotals(days: readonly ClosedDay[]): void {
  const rows = [...Map.groupBy(days, ({ currency }) => currency)].map(([currency, own]) => {
    const sum = (of: (day: ClosedDay) => bigint | null): string =>
      money(
        own.reduce((total, day) => total + (of(day) ?? 0n), 0n),
        currency,
      )
    return {
      currency,
      accounts: own.length,
      agree: own.filter(({ agreed }) => agreed).length,
      bank: sum(({ bankUnits }) => bankUnits),
      books: sum(({ ledgerUnits }) => ledgerUnits),
      difference: sum(({ differenceUnits }) => differenceUnits),
    }
  })
  printTable(rows, 'There are no accounts of that day.')
}

function asJson(day: ClosedDay): Record<string, unknown> {
  const { iban, currency, run, agreed, standing, differences } = day
  const text = (units: bigint | null): string | null => (units === null ? null : money(units, currency))
  return {
    iban,
    currency,
    day: day.day,
    run,
    agreed,
    told_by: day.toldBy,
    bank: text(day.bankUnits),
    books: text(day.ledgerUnits),
    difference: text(day.differenceUnits),
    differences: differences.map(({ cause, on, toOn, units, aboutUnits, reference, detail }) => ({
      cause,
      on,
      to: toOn,
      amount: text(units),
      about: text(aboutUnits),
      reference,
      detail,
    })),
    on_its_way: { amount: text(standing.leavingUnits), orders: standing.leavingOrders },
    suspense: standing.suspense.map(({ age, lines, units }) => ({ age, lines, amount: text(units) })),
    returned: standing.returned.map(({ id, on, units, why }) => ({ line: id, on, amount: text(units), why })),
    batches: standing.batches.map(({ id, on, units, fileId }) => ({
      line: id,
      on,
      amount: text(units),
      file: fileId,
    })),
  }
}
