import { userInfo } from 'node:os'
import { Command } from 'commander'
import { type ClosedDay, closeDay } from '../bank-accounts/close-day.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { normaliseIban } from '../providers/bank/iban.ts'
import { causeText, closedDayText, totalsOf } from './bank-close-text.ts'
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
      '\nNames each difference with its account, amount and cause, says what to do about it, and ends with code 1 when there is\none. It changes nothing else and may be done again; what is booked into a day that was closed is named the next time.',
    )
    .action(async ({ date, iban, who, json }: Options) => {
      const asked = { day: date, iban: iban === undefined ? iban : normaliseIban(iban) }
      const days = await withApp((app) => closeDay(app, asked, who))
      if (json) console.log(JSON.stringify(days.map(asJson), null, 2))
      else {
        for (const day of days) console.log(`${closedDayText(day).join('\n')}\n`)
        printTable(totalsOf(days), 'There are no accounts of that day.')
      }
      if (days.some(({ agreed }) => !agreed)) process.exitCode = 1
    })
}

const money = (units: bigint, currency: string): string => formatAmount(units, assetOf(currency))

function asJson(day: ClosedDay): Record<string, unknown> {
  const { iban, currency, run, agreed, standing, differences, closedBefore } = day
  const text = (units: bigint | null): string | null => (units === null ? null : money(units, currency))
  return {
    iban,
    currency,
    day: day.day,
    run,
    closed_before: closedBefore && { by: closedBefore.who, at: closedBefore.at.toISOString() },
    agreed,
    told_by: day.toldBy,
    bank: text(day.bankUnits),
    books: text(day.ledgerUnits),
    difference: text(day.differenceUnits),
    differences: differences.map((one) => ({
      account: iban,
      cause: one.cause,
      on: one.on,
      to: one.toOn,
      amount: text(one.units),
      about: text(one.aboutUnits),
      reference: one.reference,
      detail: one.detail,
      ...causeText(one, day),
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
