import { Command, InvalidArgumentError } from 'commander'
import { IntegrationSettings } from '../common/integration.ts'
import {
  addIntegration,
  changeSettings,
  listIntegrations,
  revokeTokens,
  rotateSecret,
} from '../common/integration-admin.ts'
import { giveBankAccounts } from '../sandbox/bank-account.ts'
import { printTable, recorded, withApp } from './context.ts'

export function integerArgument(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

/** `integration create|set|show|rotate-secret|revoke-tokens`. */
export function integrationCommand(): Command {
  const command = new Command('integration').description(
    'companies that integrate: their keys, fees, limits, rights',
  )
  recorded(command.command('create'))
    .description('create an integration; prints its key pair once')
    .argument('<name>')
    .argument('[assignments...]', 'settings that differ from the default, such as fees.card.percent=2.90')
    .action(async (name: string, assignments: string[], options) => {
      const { id, apiKey, apiSecret } = await withApp(async (app) => {
        const added = await addIntegration(app, name, assignments, options)
        await giveBankAccounts(app)
        return added
      })
      console.log(
        `Integration ${id} created.\n\n  api_key     ${apiKey}\n  api_secret  ${apiSecret}\n\nThe secret is shown only now; "integration rotate-secret ${id}" makes another.`,
      )
    })
  recorded(command.command('set'))
    .description('change settings: fees, limits, pairs, IP allowlist, wallets, policies, rights')
    .addHelpText(
      'after',
      `\nSettings: ${Object.keys(IntegrationSettings.properties).join(', ')}.\n"integration show <id>" prints them all with their values.`,
    )
    .argument('<id>', 'the integration', integerArgument)
    .argument(
      '<assignments...>',
      'such as fees.card.percent=2.90 wallets.polygon=0x… pairs=\'["polygon:USDC"]\'; an empty value removes an entry',
    )
    .action(async (id: number, assignments: string[], options) => {
      const { before, after } = await withApp((app) => changeSettings(app, id, assignments, options))
      printTable(differences(before, after), 'Nothing changed: the settings were so already.')
    })
  command
    .command('show')
    .description('list the integrations, or show one with all its settings')
    .argument('[id]', 'the integration', integerArgument)
    .action(async (id: number | undefined) => {
      const found = await withApp((app) => listIntegrations(app, id))
      if (id === undefined) {
        printTable(
          found.map(({ id, name, keys, createdAt }) => ({
            id,
            name,
            keys: keys.map((key) => key.apiKey).join(' '),
            created: createdAt,
          })),
          'There are no integrations. "integration create <name> --why …" makes one.',
        )
      } else if (found.length === 0) {
        command.error(`There is no integration ${id}. "integration show" lists them.`)
      } else {
        console.log(JSON.stringify(found[0], null, 2))
      }
    })
  recorded(command.command('rotate-secret'))
    .description('give a new key pair; the old one goes on for 24 hours')
    .argument('<id>', 'the integration', integerArgument)
    .action(async (id: number, options) => {
      const { apiKey, apiSecret, oldEndsAt } = await withApp((app) => rotateSecret(app, id, options))
      console.log(
        `A new pair:\n\n  api_key     ${apiKey}\n  api_secret  ${apiSecret}\n\nThe old pair ends at ${oldEndsAt.toISOString()}.`,
      )
    })
  recorded(command.command('revoke-tokens'))
    .description('end every token at once; the key pair goes on')
    .argument('<id>', 'the integration', integerArgument)
    .action(async (id: number, options) => {
      const count = await withApp((app) => revokeTokens(app, id, options))
      console.log(`${count} tokens revoked.`)
    })
  return command
}

/** What differs between two settings, as dotted paths. */
function differences(
  before: unknown,
  after: unknown,
  path = '',
): { setting: string; before: string; after: string }[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return []
  const isMap = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isMap(before) || !isMap(after))
    return [{ setting: path, before: JSON.stringify(before) ?? '-', after: JSON.stringify(after) ?? '-' }]
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return keys.flatMap((key) => differences(before[key], after[key], path ? `${path}.${key}` : key))
}
