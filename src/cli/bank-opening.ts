import { Command } from 'commander'
import { bookOpening } from '../bank-accounts/book-opening.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { parseAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { normaliseIban } from '../providers/bank/iban.ts'
import { recorded, withApp } from './context.ts'

/** `bank opening`: what an account held before the books began. */
export function openingCommand(): Command {
  return recorded(new Command('opening'))
    .description('book what an account held before its first line in the books; once')
    .argument('<iban>', 'of our account, as in "accounts list"')
    .argument('<amount>', 'in its currency, such as 1250.00; -1250.00 when it was overdrawn')
    .action(async (typed: string, amount: string, options: { who: string; why: string }) => {
      const iban = normaliseIban(typed)
      await withApp(async (app) => {
        const account = await app.db
          .selectFrom('bankAccounts')
          .select('currency')
          .where('iban', '=', iban)
          .executeTakeFirst()
        if (!account) throw new RefusedOperation(`We have no account ${iban}. "accounts list" shows them.`)
        const isOverdrawn = amount.startsWith('-')
        const { units, problem } = parseAmount(
          isOverdrawn ? amount.slice(1) : amount,
          assetOf(account.currency),
        )
        if (problem !== undefined) throw new RefusedOperation(`The amount ${problem}.`)
        await bookOpening(app, { iban, units: isOverdrawn ? -units : units }, options)
      })
      console.log(`${iban} began with ${amount}.`)
    })
}
