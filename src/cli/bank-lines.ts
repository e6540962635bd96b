import { Command } from 'commander'
import { describeLine, listWaitingLines, type WaitingLine } from '../bank-accounts/describe-lines.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { normaliseIban } from '../providers/bank/iban.ts'
import { printTable, withApp } from './context.ts'
import { refuseUnknownAccount } from './given-input.ts'

/** `bank lines`: lines that wait for a person, and what they may be for. */
export function linesCommand(): Command {
  return new Command('lines')
    .description('lines that belong to nobody yet, newest first, with the payment each is likeliest for')
    .option('--iban <iban>', 'of this account alone')
    .option('--suggested', 'only those that may be for a payment')
    .action(async ({ iban, suggested }: { iban?: string; suggested?: boolean }) => {
      const asked = { iban: iban === undefined ? iban : normaliseIban(iban), suggested }
      const lines = await withApp(async (app) => {
        if (asked.iban !== undefined) await refuseUnknownAccount(app, asked.iban)
        return listWaitingLines(app, asked)
      })
      printTable(
        lines.map((line) => {
          const [best, ...others] = line.suggestions
          return {
            iban: line.iban,
            id: line.id,
            booked: line.bookedAt,
            amount: amountOf(line),
            concept: line.concept,
            'may be for': best?.paymentId,
            score: best?.score,
            others: others.length || null,
            why: whyOf(line),
          }
        }),
        'Every line has an owner.',
      )
    })
}

/** `bank line`: one of them, with the reasons. */
export function lineCommand(): Command {
  return new Command('line')
    .description(
      'one line: what it is matched to, what went back of it, and what it may be for, with the reasons',
    )
    .argument('<iban>', 'of our account, as in "accounts list"')
    .argument('<line>', 'its id in "bank lines"')
    .action(async (iban: string, id: string) => {
      const line = await withApp((app) => describeLine(app, normaliseIban(iban), id))
      if (!line) throw new RefusedOperation(`There is no line ${id} of ${iban}.`)
      const asset = assetOf(line.currency)
      console.log(`${amountOf(line)} are left of it. ${line.concept}`.trim())
      if (line.reasons.length > 0) console.log(line.reasons.join(' '))
      printTable(
        [
          ...line.matches.map(({ paymentId, units, matchedBy, createdAt }) => ({
            payment: paymentId,
            what: 'matched',
            amount: formatAmount(units, asset),
            score: null,
            why: `${matchedBy}, ${createdAt.toISOString()}`,
          })),
          ...line.refunds.map(({ effect, units, state, createdAt }) => ({
            payment: null,
            what: state === 'confirmed' ? 'went back' : 'goes back',
            amount: formatAmount(units, asset),
            score: null,
            why: `${effect}, ${createdAt.toISOString()}`,
          })),
          ...line.orders.map(({ order, effect, reference, units, fileId }) => ({
            payment: reference,
            what: 'was ordered',
            amount: formatAmount(units, asset),
            score: null,
            why: `order ${order} of effect ${effect}${fileId === null ? '' : `, in file ${fileId}`}`,
          })),
          ...line.suggestions.map(({ paymentId, score, reasons }) => ({
            payment: paymentId,
            what: 'may be',
            amount: null,
            score,
            why: reasons.join(' '),
          })),
        ],
        line.direction === 'debit'
          ? 'It is of no order of ours.'
          : 'It is matched to no payment, and none is likely.',
      )
    })
}

const amountOf = ({ direction, units, currency }: WaitingLine): string =>
  `${direction === 'debit' ? '-' : ''}${formatAmount(units, assetOf(currency))} ${currency}`

const whyOf = ({ reasons, returnCode }: WaitingLine): string | null =>
  [...reasons, ...(returnCode ? [returnCode] : [])].join(' ') || null
