import { Command, Option } from 'commander'
import { addAccount, checkAccount, type NewAccount } from '../bank-accounts/add-account.ts'
import { describeAccount, listAccounts } from '../bank-accounts/describe-account.ts'
import { retireAccount, reviveAccount } from '../bank-accounts/retire-account.ts'
import { type Change, RefusedOperation } from '../effects/operate-effects.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { normaliseIban } from '../providers/bank/iban.ts'
import { giveBankAccounts, openSimulatedAccount } from '../sandbox/bank-account.ts'
import { printTable, recorded, withApp } from './context.ts'
import { integerArgument } from './integration.ts'

interface AddOptions extends Change {
  holder: string
  bic: string
  bank: string
  currency: string
  integration?: number
  pooled?: true
  ordersBy: 'api' | 'file'
}

/** `bank account add|list|show|retire`: which accounts at banks are ours. */
export function accountCommand(): Command {
  const command = new Command('account').description('our accounts at banks: add, list, show, retire')
  addAdd(command)
  command
    .command('list')
    .description('all of them, also those that are retired; payers are given the first of their integration')
    .action(async () => {
      printTable(
        (await withApp(listAccounts)).map((account) => ({
          iban: account.iban,
          currency: account.currency,
          of: account.integrationId === null ? 'all' : `${account.integrationId} ${account.integration}`,
          holder: account.holderName,
          bank: `${account.bankName} ${account.bic}`,
          'orders by': account.ordersBy,
          status: account.status,
          'statements to': account.statementTo,
          added: account.createdAt,
        })),
        'There are no accounts. "bank account add" adds one.',
      )
    })
  command
    .command('show')
    .description('one account: whose it is, what the books have of it, and what is open on it')
    .argument('<iban>')
    .action(async (iban: string) => show(normaliseIban(iban)))
  recorded(command.command('retire'))
    .description('take an account out of use: no payer is given it, nothing is paid from it')
    .argument('<iban>')
    .option('--undo', 'take it up again')
    .addHelpText(
      'after',
      '\nOnly when its books are even and nothing is open on it; what is in the way is named. To have no payer given it,\nadd the account that takes its place first. Statements of a retired account can still be imported.',
    )
    .action(async (typed: string, { undo = false, who, why }: Change & { undo?: boolean }) => {
      const iban = normaliseIban(typed)
      const isNew = await withApp((app) => (undo ? reviveAccount : retireAccount)(app, iban, { who, why }))
      console.log(`${iban} ${isNew ? 'is' : 'was'} ${undo ? 'in use' : 'retired'}${isNew ? '' : ' already'}.`)
    })
  return command
}

function addAdd(command: Command): void {
  recorded(command.command('add'))
    .description('add an account: payers are given it from now on, and its statements can be imported')
    .argument('<iban>')
    .requiredOption('--holder <name>', 'who holds it, as the bank writes it: payers type this name')
    .requiredOption('--bic <bic>', 'such as CAIXESBBXXX')
    .requiredOption('--bank <name>', "the bank's name, for payers")
    .option('--currency <currency>', 'ISO 4217', 'EUR')
    .option('--integration <id>', 'whose it is: only its customers pay to it', integerArgument)
    .option('--pooled', 'all integrations share it, but those that have one of their own')
    .addOption(
      new Option(
        '--orders-by <way>',
        'where orders go: to its bank’s API, or into files that you hand in ("bank orders"); statements likewise',
      )
        .choices(['api', 'file'])
        .default('file'),
    )
    .addHelpText(
      'after',
      '\nAn integration’s own account goes before a pooled one, and of several the one that was added last. Payments keep\nthe account that they were given. Adding the same account again changes nothing.\nWhat it holds already is booked with "bank opening <iban> <amount>". Bank transfers are offered when BANK_PROVIDER is\nnot "none"; with accounts that go by files alone it is "files".\n\n  bank account add "ES91 2100 0418 4502 0005 1332" --holder "Ramp SL" --bic CAIXESBBXXX --bank CaixaBank --pooled --why "opened today"',
    )
    .action(async (iban: string, { who, why, ...options }: AddOptions) => {
      const { integration = null, pooled = false } = options
      if ((integration === null) !== pooled) {
        throw new RefusedOperation(
          'Say whose the account is: --pooled for all, or --integration <id> for one.',
        )
      }
      const account: NewAccount = {
        iban,
        bic: options.bic,
        bankName: options.bank,
        holderName: options.holder,
        currency: options.currency,
        integrationId: integration,
        ordersBy: options.ordersBy,
      }
      await withApp(async (app) => {
        const checked = checkAccount(account)
        if (checked.ordersBy === 'api') await openSimulatedAccount(app, checked)
        const answer = await addAccount(app, checked, { who, why })
        await giveBankAccounts(app)
        console.log(
          answer === 'added'
            ? `${normaliseIban(iban)} is added. What it holds already: "bank opening". Its statements: "bank import".`
            : `${normaliseIban(iban)} was added already; nothing changed.`,
        )
        if (app.config.providers.bank === 'none') {
          console.log('BANK_PROVIDER is "none", so no bank transfers are offered: set it to "files".')
        }
      })
    })
}

async function show(iban: string): Promise<void> {
  const account = await withApp((app) => describeAccount(app, iban))
  if (!account) throw new RefusedOperation(`We have no account ${iban}. "bank account list" shows them.`)
  const { currency } = account
  const text = (units: bigint) => `${formatAmount(units, assetOf(currency))} ${currency}`
  const rows: [string, unknown][] = [
    ['iban', account.iban],
    ['status', account.status],
    ['bic', account.bic],
    ['bank', account.bankName],
    ['holder', account.holderName],
    ['of', account.integrationId === null ? 'all' : `${account.integrationId} ${account.integration}`],
    ['orders by', account.ordersBy],
    ['added', account.createdAt.toISOString()],
    ['statements to', account.statementTo ?? '-'],
    ['holds', text(account.heldUnits)],
    ['leaving', text(account.leavingUnits)],
    ['of nobody', text(account.suspenseUnits)],
    ['payments that may be paid to it', account.payments],
    ['transfers without an end', account.transfers],
    ['lines that wait', account.lines],
    ['lines in doubt', account.doubts],
  ]
  for (const [name, value] of rows) console.log(`${name.padEnd(31)}  ${value}`)
}
