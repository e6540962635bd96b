import { Command } from 'commander'
import type { App } from '../app.ts'
import {
  claimLine,
  isLineOwner,
  listAccountStates,
  listOpenLines,
} from '../bank-accounts/operate-accounts.ts'
import { settleReturn } from '../bank-accounts/settle-return.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { formatAmount, parseAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { normaliseIban } from '../providers/bank/iban.ts'
import { printTable, recorded, withApp } from './context.ts'

interface Options {
  who: string
  why: string
}

interface ClaimOptions extends Options {
  as: string
  fee?: string
}

/** `accounts list|lines|claim|settle-return`: our bank accounts, and money on them without an owner. */
export function accountsCommand(): Command {
  const command = new Command('accounts').description('our bank accounts, and money on them without an owner')
  command
    .command('list')
    .description('each account: what it holds by the books, what is leaving, what it can still pay')
    .action(async () => {
      const accounts = await withApp(listAccountStates)
      printTable(
        accounts.map(({ iban, currency, integration, waiting, ...units }) => {
          const text = (one: bigint) => formatAmount(one, assetOf(currency))
          return {
            iban,
            currency,
            of: integration ?? 'all',
            booked: text(units.bookedUnits),
            leaving: text(units.leavingUnits),
            free: text(units.freeUnits),
            suspense: text(units.suspenseUnits),
            waiting,
          }
        }),
        'There are no accounts.',
      )
    })
  command
    .command('lines')
    .description('what came, or was taken, and belongs to nobody yet; newest first')
    .action(async () => {
      const lines = await withApp(listOpenLines)
      printTable(
        lines.map(
          ({ iban, id, bookedAt, direction, units, currency, concept, matchReasons, returnCode }) => ({
            iban,
            id,
            booked: bookedAt,
            amount: `${direction === 'debit' ? '-' : ''}${formatAmount(units, assetOf(currency))} ${currency}`,
            concept,
            why: [...matchReasons, ...(returnCode ? [returnCode] : [])].join(', ') || null,
          }),
        ),
        'Every line has an owner.',
      )
    })
  recorded(command.command('claim'))
    .description(
      'book a line that is no customer’s: money of the treasury, a cost of the bank, or what a payment provider owed',
    )
    .argument('<iban>')
    .argument('<line>', 'its id in "accounts lines"')
    .requiredOption('--as <owner>', 'whose it is: treasury, cost, or a payment provider such as card:<name>')
    .option('--fee <amount>', 'what the payment provider kept of what it paid')
    .action(async (typed: string, id: string, { as: owner, fee, ...options }: ClaimOptions) => {
      if (!isLineOwner(owner)) {
        throw new RefusedOperation(
          `${owner} owns no line: it is treasury, cost, or a payment provider's account such as card:<name>.`,
        )
      }
      const iban = normaliseIban(typed)
      await withApp(async (app) => {
        const feeUnits = fee === undefined ? 0n : await feeUnitsOf(app, iban, fee)
        await claimLine(app, { iban, id, owner, feeUnits }, options)
      })
      console.log(`Line ${id} is booked as ${owner}.`)
    })
  recorded(command.command('settle-return'))
    .description(
      'a transfer came back in part, or with too much: the difference is ours, and the money is held again',
    )
    .argument('<effect>', 'the transfer that came back')
    .action(async (id: string, options: Options) => {
      const { asset, costUnits } = await withApp((app) => settleReturn(app, id, options))
      console.log(`${id} is taken back; it cost ${formatAmount(costUnits, assetOf(asset))} ${asset}.`)
    })
  return command
}

async function feeUnitsOf({ db }: Pick<App, 'db'>, iban: string, fee: string): Promise<bigint> {
  const account = await db
    .selectFrom('bankAccounts')
    .select('currency')
    .where('iban', '=', iban)
    .executeTakeFirst()
  if (!account) throw new RefusedOperation(`We have no account ${iban}. "accounts list" shows them.`)
  const { units, problem } = parseAmount(fee, assetOf(account.currency))
  if (problem !== undefined) throw new RefusedOperation(`--fee ${problem}.`)
  return units
}
