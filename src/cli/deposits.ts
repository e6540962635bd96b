import { Command } from 'commander'
import type { App } from '../app.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { acceptReorganisation } from '../offramp/accept-reorganisation.ts'
import { printTable, recorded, withApp } from './context.ts'

/** `deposits chains|accept`: how far each chain was read for coins that come in. */
export function depositsCommand(): Command {
  const command = new Command('deposits').description('how far each chain was read for coins that come in')
  command
    .command('chains')
    .description('each chain, the block it was read up to, and why nothing becomes final where that is so')
    .action(async () => printTable(await withApp(listScans), 'No chain is read yet.'))
  recorded(command.command('accept'))
    .description('a block with a final deposit is gone for good: read on from where the chain forked')
    .argument('<chain>', 'a chain that is held for a deep_reorganisation')
    .addHelpText(
      'after',
      '\nDeposits that were final stay so: book the loss, then open the wallets with "doors resolve".',
    )
    .action(async (name: string, options: { who: string; why: string }) => {
      const height = await withApp(
        (app) => {
          const setup = app.providers.chains.get(name)
          if (!setup) {
            const known = [...app.providers.chains.keys()].join(', ')
            throw new RefusedOperation(
              `There is no chain called ${JSON.stringify(name)}; there are ${known}.`,
            )
          }
          return acceptReorganisation(app, setup, options)
        },
        { localChains: true },
      )
      console.log(`Deposits on ${name} are read on from block ${height}.`)
    })
  return command
}

async function listScans({ db }: Pick<App, 'db'>): Promise<Record<string, unknown>[]> {
  const scans = await db.selectFrom('chainScans').selectAll().orderBy('chain').execute()
  return scans.map(({ chain, epoch, height, hash, heldReason, updatedAt }) => ({
    chain,
    epoch,
    height,
    hash,
    moved: updatedAt,
    held: heldReason,
  }))
}
