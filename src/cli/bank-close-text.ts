import type { ClosedDay } from '../bank-accounts/close-day.ts'
import { CAUSE_TEXTS, DISMISSED_TEXT } from '../bank-accounts/closing/cause-texts.ts'
import { type DayDifference, isDismissed } from '../bank-accounts/closing/compare-day.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { counted } from './context.ts'
import { durationText } from './stuck.ts'

/** Who closed the same day so shortly before did it at the same time. */
const JUST_NOW_MS = 60_000

const money = (units: bigint, currency: string): string => formatAmount(units, assetOf(currency))

/** A closed day in lines of text: the two balances, each difference with what to do, and what stands open. */
export function closedDayText(day: ClosedDay): string[] {
  const { iban, currency, toldBy, bankUnits, ledgerUnits, differenceUnits, differences } = day
  const text = (units: bigint): string => `${money(units, currency)} ${currency}`
  const books = `the books have ${text(ledgerUnits)}`
  const balances =
    bankUnits === null || differenceUnits === null
      ? `Nobody says what the account held; ${books}.`
      : `The ${toldBy} says ${text(bankUnits)}, ${books}: a difference of ${text(differenceUnits)}.`
  return [
    `${iban} on ${day.day}${closedBeforeText(day)}`,
    `  ${balances}`,
    ...(differences.length === 0 ? ['  It agrees.'] : []),
    ...differences.flatMap((one) => differenceText(one, day)),
    ...standingText(day),
  ]
}

function closedBeforeText({ run, closedBefore, closedAt }: ClosedDay): string {
  if (!closedBefore) return ''
  const ms = closedAt.getTime() - closedBefore.at.getTime()
  const when = ms < JUST_NOW_MS ? 'just now' : `${durationText(ms)} ago`
  return `, closed before by ${closedBefore.who} ${when}${run > 2 ? `, ${run - 1} times in all` : ''}`
}

/** The account, the days, the amount and the cause; what it means and is about; what to do. */
function differenceText(one: DayDifference, { iban, currency }: ClosedDay): string[] {
  const { cause, on, toOn, units, aboutUnits, reference, detail } = one
  const days = toOn === null ? on : `${on} to ${toOn}`
  const { says, mend } = causeText(one, { iban, currency })
  const ofAmount =
    aboutUnits !== units && units !== 0n ? ` of ${money(aboutUnits, currency)} ${currency}` : ''
  const named = reference === null ? null : `${reference}${ofAmount}`
  const more = [named, detail].filter((part) => part !== null).join(', ')
  return [
    `  ✗ ${iban} ${days}: ${amountText(one, currency)}, ${cause}`,
    `      ${says}${more ? ` [${more}]` : ''}`,
    `      ${mend}`,
  ]
}

function amountText({ cause, units, aboutUnits }: DayDifference, currency: string): string {
  if (cause === 'bank_silent') return 'an amount that nobody knows'
  if (units !== 0n || aboutUnits === 0n) return `${money(units, currency)} ${currency}`
  return `${money(aboutUnits, currency)} ${currency} beside the balances`
}

/** What a difference means and what to do about it, with its own names in the commands. */
export function causeText(
  { cause, units, reference, detail }: DayDifference,
  { iban, currency }: Pick<ClosedDay, 'iban' | 'currency'>,
): { says: string; mend: string } {
  const { says, mend } = isDismissed({ cause, detail }) ? DISMISSED_TEXT : CAUSE_TEXTS[cause]
  const filled = mend
    .replaceAll('<iban>', iban)
    .replaceAll('<amount>', money(units, currency))
    .replaceAll('<reference>', reference ?? '<id>')
  return { says, mend: filled }
}

/** What neither balance tells: where the money of the books belongs. */
function standingText({ currency, standing }: ClosedDay): string[] {
  const { leavingUnits, leavingOrders, suspense, suspenseUnits, returned, batches } = standing
  const text = (units: bigint): string => `${money(units, currency)} ${currency}`
  const lines: string[] = []
  if (leavingUnits > 0n || leavingOrders > 0) {
    const open = leavingOrders > 0 ? `, of it ${counted(leavingOrders, 'order')} not done yet` : ''
    lines.push(`  On its way out, and not on the account’s list yet: ${text(leavingUnits)}${open}`)
  } else if (leavingUnits < 0n)
    lines.push(`  More left than was ordered: ${text(-leavingUnits)}; "ledger verify" names the lines`)
  if (suspense.length > 0) {
    const ages = suspense.map(
      ({ age, lines: count, units }) => `${age}: ${counted(count, 'line')}, ${text(units)}`,
    )
    lines.push(`  Without an owner ("bank lines"): ${text(suspenseUnits)} (${ages.join('; ')})`)
  }
  for (const { id, on, units, why } of returned)
    lines.push(`  Came back and waits for a person: ${on} ${text(units)} [${id}${why ? `, ${why}` : ''}]`)
  for (const { id, on, units, fileId } of batches)
    lines.push(
      `  May be the one sum of file ${fileId}: ${on} ${text(units)}; "bank orders settle ${fileId} ${id} --why …"`,
    )
  return lines
}

/** The accounts of each currency together; what a silent bank has is no part of a sum. */
export function totalsOf(days: readonly ClosedDay[]): Record<string, unknown>[] {
  return [...Map.groupBy(days, ({ currency }) => currency)].map(([currency, own]) => {
    const sum = (of: (day: ClosedDay) => bigint | null): string => {
      const all = own.map(of)
      if (all.includes(null)) return '?'
      return money(
        all.reduce<bigint>((total, units) => total + (units ?? 0n), 0n),
        currency,
      )
    }
    return {
      currency,
      accounts: own.length,
      agree: own.filter(({ agreed }) => agreed).length,
      bank: sum(({ bankUnits }) => bankUnits),
      books: sum(({ ledgerUnits }) => ledgerUnits),
      difference: sum(({ differenceUnits }) => differenceUnits),
    }
  })
}
