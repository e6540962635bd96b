import { Command } from 'commander'
import { RefusedChange } from '../common/integration-admin.ts'
import { EmbeddedDatabaseError } from '../db/embedded.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { ConfigError } from '../kernel/config.ts'
import { accountsCommand } from './accounts.ts'
import { BackupError, backupCommand, restoreCommand } from './backup.ts'
import { bankCommand } from './bank.ts'
import { callbacksCommand } from './callbacks.ts'
import { customerCommand } from './customer.ts'
import { depositsCommand } from './deposits.ts'
import { doorsCommand, pauseCommand, resumeCommand } from './doors.ts'
import { effectsCommand } from './effects.ts'
import { integrationCommand } from './integration.ts'
import { ledgerCommand } from './ledger.ts'
import { reviewCommand } from './review.ts'
import { saleCommand } from './sale.ts'
import { stuckCommand } from './stuck.ts'
import { sweepsCommand } from './sweeps.ts'

const program = new Command('npm run cli --')
  .description("The operator's commands. Each has --help; each change is recorded with who and why.")
  .showHelpAfterError('Add --help for what it takes.')
  .addCommand(integrationCommand())
  .addCommand(reviewCommand())
  .addCommand(saleCommand())
  .addCommand(depositsCommand())
  .addCommand(effectsCommand())
  .addCommand(sweepsCommand())
  .addCommand(customerCommand())
  .addCommand(pauseCommand())
  .addCommand(resumeCommand())
  .addCommand(doorsCommand())
  .addCommand(accountsCommand())
  .addCommand(bankCommand())
  .addCommand(callbacksCommand())
  .addCommand(stuckCommand())
  .addCommand(ledgerCommand())
  .addCommand(backupCommand())
  .addCommand(restoreCommand())

passOn(program)

/** What is set for the whole program holds for its commands too; those that are added don't inherit it by themselves. */
function passOn(parent: Command): void {
  for (const command of parent.commands) {
    command.copyInheritedSettings(parent)
    passOn(command)
  }
}

try {
  await program.parseAsync()
} catch (error) {
  // What was refused on purpose is shown as it is; anything else keeps its stack, as it is a mistake of ours.
  const expected = [RefusedChange, RefusedOperation, BackupError, ConfigError, EmbeddedDatabaseError].some(
    (kind) => error instanceof kind,
  )
  console.error(expected ? (error as Error).message : error)
  process.exitCode = 1
}
