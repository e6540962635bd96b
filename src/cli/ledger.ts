import { Command } from 'commander'
import { verifyLedger } from '../app-ledger.ts'
import { withApp } from './context.ts'

export function ledgerCommand(): Command {
  return new Command('ledger').description('the books').addCommand(
    new Command('verify')
      .description('proves the books, wallets against the chain and accounts against the bank included')
      .addHelpText(
        'after',
        '\nNames every row that was changed, deleted or inserted behind the program. Ends with code 1 when it finds one.\nThe last line is the end of the chain of seals: kept elsewhere, it proves later that nothing was cut off.',
      )
      .action(() => withApp(verify, { localChains: true })),
  )
}

async function verify(app: Parameters<typeof verifyLedger>[0]): Promise<void> {
  const { ok, problems, journals, head } = await verifyLedger(app)
  for (const { where, what } of problems) console.log(`${where} ${what}.`)
  console.log(
    ok
      ? `The books are right: ${journals} journals, each sums to zero, all as they were sealed, wallets and accounts as the chains and the bank have them.`
      : `${problems.length} of it is not right.`,
  )
  console.log(head ? `Sealed up to ${head.position}: ${head.hash}` : 'Nothing is sealed yet.')
  if (!ok) process.exitCode = 1
}
