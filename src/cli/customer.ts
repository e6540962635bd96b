import { Command } from 'commander'
import { RefusedChange } from '../common/integration-admin.ts'
import { banCustomer, unbanCustomer } from '../users/ban.ts'
import { recorded, withApp } from './context.ts'
import { addDocumentCommands } from './customer-documents.ts'
import { integerArgument } from './integration.ts'

/** `customer ban|unban|documents|document`. */
export function customerCommand(): Command {
  const command = new Command('customer').description('single customers')
  for (const [name, description, change] of [
    ['ban', 'refuse every further purchase of the customer', banCustomer],
    ['unban', 'let the customer buy again', unbanCustomer],
  ] as const) {
    recorded(command.command(name))
      .description(description)
      .argument('<id>', 'the customer', integerArgument)
      .action(async (id: number, options: { who: string; why: string }) => {
        const customer = await withApp((app) => change(app, id, options))
        if (!customer) throw new RefusedChange(`There is no customer ${id}.`)
        console.log(`Customer ${id} is ${customer.bannedAt ? 'banned' : 'not banned'}.`)
      })
  }
  addDocumentCommands(command)
  return command
}
