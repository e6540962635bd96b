import { Command } from 'commander'
import { BackupError, backup, restore } from '../db/backup.ts'
import { createClock } from '../kernel/clock.ts'
import { withDatabase } from './context.ts'
import { refuseFolder, refuseUnreadable } from './given-input.ts'

/** `backup <file>`: one consistent state, while the server runs. */
export function backupCommand(): Command {
  return new Command('backup')
    .description('write the whole database to one file, while it is in use')
    .argument('<file>', 'such as backup-2026-06-26.cpbackup; it appears when it is whole')
    .action(async (file: string) => {
      refuseFolder(file)
      const { tables, bytes } = await withDatabase((_config, url) => backup(url, file, createClock().real()))
      console.log(
        `${file}: ${tables} tables, ${(bytes / 1e6).toFixed(1)} MB before compression.\nKeep it apart from the MASTER_KEY, without which it can't be read.`,
      )
    })
}

/** `restore <file>`: into an empty database, or in place of what is there. */
export function restoreCommand(): Command {
  return new Command('restore')
    .description('load a backup; stop the server first')
    .argument('<file>')
    .option('--replace', 'empty the database first, if it is in use')
    .addHelpText(
      'after',
      '\nAfter restoring an older state the wallets wait: what was sent since is not in the ledger.\nThe server halts such a door and "npm run cli -- doors list" says what to do.',
    )
    .action(async (file: string, options: { replace?: boolean }) => {
      refuseUnreadable(file)
      const manifest = await withDatabase((_config, url) =>
        restore(url, file, { replace: options.replace === true }),
      )
      console.log(`Restored the state of ${manifest.at}: ${manifest.tables.length} tables.`)
    })
}

export { BackupError }
