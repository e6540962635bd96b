import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { RefusedChange } from '../common/integration-admin.ts'
import type { StoredDocument } from '../users/document-store.ts'
import { listCustomerDocuments, listVerificationDocuments, readDocument } from '../users/read-document.ts'
import { printTable, recorded, withApp } from './context.ts'
import { integerArgument } from './integration.ts'

/** `customer documents` and `customer document`: a way to the files that were sent, recorded like every other. */
export function addDocumentCommands(command: Command): void {
  command
    .command('documents')
    .description('list the documents of the customer')
    .argument('<id>', 'the customer', integerArgument)
    .action(async (id: number) => {
      const documents = await withApp((app) => listCustomerDocuments(app, id))
      if (!documents) throw new RefusedChange(`There is no customer ${id}.`)
      printTable(
        documents.map((document) => ({ ...rowOf(document), verification: document.verificationId })),
        `Customer ${id} has no documents.`,
      )
    })
  addOpenCommand(command, 'customer documents')
}

/** `review documents` and `review document`: the same way to what a verification is decided by. */
export function addReviewDocumentCommands(command: Command): void {
  command
    .command('documents')
    .description('list what a verification is decided by')
    .argument('<id>', 'a verification of "review list"')
    .action(async (id: string) => {
      const documents = await withApp((app) => listVerificationDocuments(app, id))
      if (!documents) throw new RefusedChange(`There is no verification ${id}.`)
      printTable(documents.map(rowOf), `${id} has no documents.`)
    })
  addOpenCommand(command, 'review documents')
}

function addOpenCommand(command: Command, list: string): void {
  recorded(command.command('document'))
    .description('write one document to a file, for your eyes alone')
    .argument('<document>', `the id of "${list}"`)
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

const rowOf = ({ id, type, mime, bytes, createdAt }: StoredDocument) => ({
  id,
  type,
  mime,
  bytes,
  since: createdAt,
})

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
