import { Command } from 'commander'
import { matchByHand } from '../bank-accounts/match-by-hand.ts'
import { sawLost } from '../bank-accounts/reversals/list-lost.ts'
import { undoMatch } from '../bank-accounts/undo-match.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { normaliseIban } from '../providers/bank/iban.ts'
import { recorded, withApp } from './context.ts'

interface Options {
  who: string
  why: string
}

/** `bank match`: a person says which payment a line is for. */
export function matchCommand(): Command {
  return recorded(new Command('match'))
    .description('book a line, or a part of it, for a payment, with the integration’s policies')
    .argument('<iban>', 'of our account, as in "accounts list"')
    .argument('<line>', 'its id in "bank lines"')
    .argument('<payment>', 'its id')
    .option('--amount <amount>', 'so much of the line; all that is left of it unless told')
    .option('--accept-difference', 'take another sum than the one asked, by the integration’s policy')
    .action(
      async (
        iban: string,
        transactionId: string,
        paymentId: string,
        { amount, acceptDifference = false, ...change }: Options & Match,
      ) => {
        const asked = { iban: normaliseIban(iban), transactionId, paymentId, amount, acceptDifference }
        const { paymentState, differenceUnits, fiat } = await withApp(async (app) => {
          // It may be converted at today's price, which this process has to ask for first.
          await app.pricing.prices.refresh()
          return matchByHand(app, asked, change)
        })
        const difference = differenceUnits === 0n ? '' : `, ${formatAmount(differenceUnits, fiat)} off`
        console.log(`Payment ${paymentId} is ${paymentState}${difference}.`)
      },
    )
}

/** `bank undo`: a person takes that back. */
export function undoCommand(): Command {
  return recorded(new Command('undo'))
    .description('take back what a line was matched as, until the coins are sent')
    .argument('<iban>', 'of our account, as in "accounts list"')
    .argument('<line>', 'its id, as in the API’s list of transactions and in "bank close"')
    .argument('[payment]', 'where the line is several payments’')
    .action(async (iban: string, transactionId: string, paymentId: string | undefined, change: Options) => {
      const line = { iban: normaliseIban(iban), transactionId, paymentId }
      const undone = await withApp((app) => undoMatch(app, line, change))
      const { units, currency, paymentState } = undone
      console.log(
        `${formatAmount(units, assetOf(currency))} ${currency} wait for an owner again; payment ${undone.paymentId} is ${paymentState}.`,
      )
    })
}

interface Match {
  amount?: string
  acceptDifference?: boolean
}

/** `bank seen`: a person knows of a transfer that the bank took back when its coins or money had left. */
export function seenCommand(): Command {
  return recorded(new Command('seen'))
    .description(
      'you know that the bank took a transfer back whose coins or money had left: it is told no more',
    )
    .argument('<iban>', 'of our account, as in "accounts list"')
    .argument('<line>', 'the debit that took it, as in "review list"')
    .action(async (iban: string, id: string, change: Options) => {
      await withApp((app) => sawLost(app, { iban: normaliseIban(iban), id }, change))
      console.log(`Line ${id} was seen.`)
    })
}
