import { Command } from 'commander'
import { RefusedChange } from '../common/integration-admin.ts'
import { recordAudit } from '../common/integration-store.ts'
import { listParkedCallbacks, retryParkedCallback } from '../providers/callbacks/inbox.ts'
import { printTable, recorded, withApp } from './context.ts'
import { integerArgument } from './integration.ts'

/** `callbacks list|retry`: what providers told us and the platform could not work off. */
export function callbacksCommand(): Command {
  const command = new Command('callbacks').description('what providers told us and could not be worked off')
  command
    .command('list')
    .description('parked notifications, oldest first, and why')
    .action(async () => {
      const parked = await withApp((app) => listParkedCallbacks(app))
      printTable(
        parked.map(({ id, provider, externalId, attempts, receivedAt, reason }) => ({
          id,
          provider,
          notification: externalId,
          attempts,
          received: receivedAt,
          why: reason,
        })),
        'Nothing is parked.',
      )
    })
  recorded(command.command('retry'))
    .description('work a parked notification off again from the beginning')
    .argument('<id>', 'of "callbacks list"', integerArgument)
    .action(async (id: number, { who, why }: { who: string; why: string }) => {
      await withApp(async (app) => {
        if (!(await retryParkedCallback(app, id)))
          throw new RefusedChange(`No notification ${id} is parked. "callbacks list" shows them.`)
        await app.db.transaction().execute((trx) =>
          recordAudit(trx, app.clock.now(), {
            who,
            why,
            action: 'callback.retry',
            target: `callback:${id}`,
          }),
        )
      })
      console.log(`${id} is worked off again.`)
    })
  return command
}
