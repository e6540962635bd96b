import { Command } from 'commander'
import { effectNeeds } from '../app-effects.ts'
import { RefusedChange } from '../common/integration-admin.ts'
import { listDoors } from '../effects/doors.ts'
import { recordFunding } from '../effects/funding.ts'
import { type Doors, pauseDoors, resolveDoor, resumeDoors } from '../effects/operate-doors.ts'
import { readWalletBalances } from '../effects/wallet-balances.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { printTable, recorded, withApp } from './context.ts'

const WHICH = 'dispatch (all wallets), payouts (all banks and cards), or one door by its name'

const doorsOf = (which: string): Doors =>
  which === 'dispatch' || which === 'payouts' ? which : { door: which }

/** `pause dispatch|payouts|<door>` */
export function pauseCommand(): Command {
  return recorded(new Command('pause'))
    .description('shut ways out: what is planned waits, what is on its way is followed to its end')
    .argument('<which>', WHICH)
    .action(async (which: string, options: { who: string; why: string }) => {
      const doors = await withApp((app) => pauseDoors(effectNeeds(app), doorsOf(which), options))
      console.log(`Paused: ${doors.join(', ')}.`)
    })
}

/** `resume dispatch|payouts|<door>` */
export function resumeCommand(): Command {
  return recorded(new Command('resume'))
    .description('open paused ways out again')
    .argument('<which>', WHICH)
    .addHelpText('after', '\nA door that the platform halted itself is opened by "doors resolve".')
    .action(async (which: string, options: { who: string; why: string }) => {
      const doors = await withApp((app) => resumeDoors(effectNeeds(app), doorsOf(which), options))
      console.log(`Open: ${doors.join(', ')}.`)
    })
}

/** `doors list|resolve`, `doors wallets`. */
export function doorsCommand(): Command {
  const command = new Command('doors').description('the ways out: wallets, bank accounts, card providers')
  command
    .command('list')
    .description('each door, and whether it is open')
    .action(async () => {
      const doors = await withApp((app) => listDoors(app.db))
      printTable(
        doors.map(({ door, pausedAt, pausedBy, pausedReason, haltedAt, haltedReason }) => ({
          door,
          state: haltedAt ? 'halted' : pausedAt ? 'paused' : 'open',
          since: haltedAt ?? pausedAt,
          why: haltedReason ?? (pausedAt ? `${pausedReason} (${pausedBy})` : null),
        })),
        'There are no doors yet.',
      )
    })
  command
    .command('wallets')
    .description('balances of the wallets, books against chain')
    .option('--all', "also sales' addresses that ever held something")
    .action(async ({ all = false }: { all?: boolean }) => {
      const balances = await withApp(
        async (app) => {
          const needs = effectNeeds(app)
          return (
            await Promise.all(
              [...needs.chains.values()].map((setup) =>
                readWalletBalances(needs, setup, all ? 'used' : 'hot'),
              ),
            )
          ).flat()
        },
        { localChains: true },
      )
      printTable(
        balances.map(
          ({ door, asset, ledgerUnits, leavingUnits, arrivingUnits, chainUnits, differenceUnits }) => {
            const show = (units: bigint): string => formatAmount(units, assetOf(asset))
            return {
              door,
              asset,
              books: show(ledgerUnits),
              leaving: show(leavingUnits),
              arriving: show(arrivingUnits),
              chain: show(chainUnits),
              difference: show(differenceUnits),
            }
          },
        ),
        'There are no wallets yet.',
      )
    })
  recorded(command.command('fund'))
    .description('book what came into the hot wallets from outside as funding by the treasury')
    .argument('<chain>', 'such as polygon')
    .option('--door <door>', "the one wallet, such as a sale's address: wallet:polygon:0x…")
    .option('--write-off', 'also book what is missing, as a loss; "doors wallets" shows it')
    .action(
      async (
        chain: string,
        {
          writeOff = false,
          door,
          ...change
        }: { who: string; why: string; writeOff?: boolean; door?: string },
      ) => {
        const booked = await withApp(
          async (app) => {
            const setup = app.providers.chains.get(chain)
            if (!setup)
              throw new RefusedChange(
                `There is no chain ${chain}. There are: ${[...app.providers.chains.keys()].join(', ')}.`,
              )
            return recordFunding(effectNeeds(app), setup, {
              ...change,
              writeOff,
              ...(door ? { address: door.slice(door.lastIndexOf(':') + 1) } : {}),
            })
          },
          { localChains: true },
        )
        printTable(
          booked.map(({ door, asset, differenceUnits }) => ({
            door,
            asset,
            booked: formatAmount(differenceUnits, assetOf(asset)),
          })),
          'The books and the chain agree; nothing was booked.',
        )
      },
    )
  recorded(command.command('resolve'))
    .description('open a wallet that was halted, after you have compared it with the chain')
    .argument('<door>', 'such as wallet:polygon:0x…')
    .addHelpText(
      'after',
      '\nThe wallet goes on at the nonce the chain has. Transfers that transactions unknown to the platform may have made\nbecome "unknown": decide each by "effects confirm" (it was paid) or "effects retry" (it was not).',
    )
    .action(async (door: string, options: { who: string; why: string }) => {
      const { nextNonce, unknown } = await withApp((app) => resolveDoor(effectNeeds(app), door, options), {
        localChains: true,
      })
      console.log(`${door} goes on with nonce ${nextNonce}.`)
      if (unknown.length > 0)
        console.log(`To decide, each by "effects confirm" or "effects retry":\n  ${unknown.join('\n  ')}`)
    })
  return command
}
