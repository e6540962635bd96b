import { Command, Option } from 'commander'
import { effectNeeds } from '../app-effects.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { listSweeps, retrySweep, type SweepFilter } from '../offramp/operate-sweeps.ts'
import { printTable, recorded, withApp } from './context.ts'
import { integerArgument } from './integration.ts'

/** `sweeps list|retry`: coins on their way from sales' addresses to the hot wallet. */
export function sweepsCommand(): Command {
  const command = new Command('sweeps').description("coins from sales' addresses to the hot wallet")
  command
    .command('list')
    .description('newest first')
    .addOption(
      new Option('--state <state>', 'open: waiting for gas, or for the coins; failed: parked for you')
        .choices(['open', 'failed', 'done', 'lost', 'gas', 'coins'])
        .default('open'),
    )
    .option('--chain <chain>', 'such as polygon')
    .option('--address <address>', "of one sale's address")
    .option('--limit <n>', 'how many at most', integerArgument, 50)
    .action(async (filter: SweepFilter & { state: string }) => {
      const found = await withApp((app) => listSweeps(app.db, filter))
      printTable(
        found.map(({ id, createdAt, chain, address, asset, units, state, dueAt, reason }) => ({
          id,
          since: createdAt,
          address: `${chain}:${address}`,
          amount: `${formatAmount(units, assetOf(asset))} ${asset}`,
          state,
          next: dueAt,
          why: reason,
        })),
        `No such sweeps are ${filter.state}.`,
      )
    })
    .addHelpText('after', '\nThe transactions of one are listed by "effects list --reference sweep:<id>".')
  recorded(command.command('retry'))
    .description('go on with one that was parked, or that waits to be tried again')
    .argument('<id>')
    .action(async (id: string, options: { who: string; why: string }) => {
      await withApp((app) => retrySweep(effectNeeds(app), id, options))
      console.log(`${id} is tried again.`)
    })
  return command
}
