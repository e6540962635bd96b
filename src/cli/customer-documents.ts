import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { RefusedChange } from '../common/integration-admin.ts'
import { listCustomerDocuments, readDocument } from '../users/read-document.ts'
import { printTable, recorded, withApp } from './context.ts'
import { integerArgument } from './integration.ts'

/** `customer documents` and `customer document`: the only way to a file that was sent. */
export function addDocumentCommands(command: Command): void {
  command
    .command('documents')
    .description('list the documents of the customer')
    .argument('<id>', 'the customer', integerArgument)
    .action(async (id: number) => {
      const documents = await withApp((app) => listCustomerDocuments(app, id))
      if (!documents) throw new RefusedChange(`There is no customer ${id}.`)
      printTable(
        documents.map(({ id: document, type, mime, bytes, createdAt, verificationId }) => ({
          id: document,
          type,
          mime,
          bytes,
          since: createdAt,
          verification: verificationId,
        })),
        `Customer ${id} has no documents.`,
      )
    })
  recorded(command.command('document'))
    .description('write one document to a file, for your eyes alone')
    .argument('<document>', 'the id of "customer documents"')
    .requiredOption('--out <file>', 'the file to write; it must not exist yet')
    .action(async (id: string, { out, ...operator }: { out: string; who: string; why: string }) => {
      const read = await withApp((app) => readDocument(app, id, operator))
      if (!read) throw new RefusedChange(`There is no document ${id}.`)
      writeNew(out, read.bytes)
      console.log(
        `${out}: ${read.document.type} of customer ${read.document.customerId}, ${read.document.mime}.`,
      )
    })
}

/** Only this user may read it, and nothing that is there is lost. */
function writeNew(file: string, bytes: Buffer): void {
  try {
    writeFileSync(file, bytes, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new RefusedChange(`${file} exists already.`)
    if (code === 'ENOENT') throw new RefusedChange(`There is no folder for ${file}.`)
    throw error
  }
}
