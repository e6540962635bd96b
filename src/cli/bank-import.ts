import { createReadStream, createWriteStream, readFileSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Command } from 'commander'
import { type ImportedFile, type ImportNeeds, importStatement } from '../bank-accounts/import-statement.ts'
import { getImport, listImports, openImportedFile } from '../bank-accounts/list-imports.ts'
import { describeFindings } from '../bank-accounts/statement-findings.ts'
import { type CsvMapping, CsvMappingError, csvMappingOf } from '../bank-accounts/statements/csv-mapping.ts'
import { openStatement } from '../bank-accounts/statements/detect-format.ts'
import { StatementError } from '../bank-accounts/statements/statement.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { counted, printTable, withApp } from './context.ts'
import { fileProblem, refuseUnreadable, refuseUnwritable } from './given-input.ts'

/** How often a long import says how far it is. */
const PROGRESS_MS = 2_000

interface ImportOptions {
  mapping?: string
  dryRun?: boolean
  who: string
}

export function importCommand(): Command {
  return new Command('import')
    .description(
      'import bank statements: camt.053, camt.054, MT940, Norma 43, CSV; each file wholly or not at all',
    )
    .argument('<file...>', 'the files; one that was imported before adds nothing')
    .option('--mapping <file>', 'JSON that says which column of a CSV holds what')
    .option('--dry-run', 'say what would be imported, and keep nothing')
    .option('--who <name>', 'who; recorded with the import', userInfo().username)
    .action(async (paths: string[], options: ImportOptions) => {
      const mapping = options.mapping === undefined ? null : readMapping(options.mapping)
      await withApp(async (app) => {
        for (const path of paths) await importOne(app, path, { ...options, csv: mapping })
      })
    })
}

function readMapping(path: string): CsvMapping {
  refuseUnreadable(path)
  try {
    return csvMappingOf(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    if (error instanceof CsvMappingError) throw new RefusedOperation(`${path}: ${error.message}`)
    throw new RefusedOperation(`${path} can't be read as JSON: ${(error as Error).message}`)
  }
}

async function importOne(
  app: ImportNeeds,
  path: string,
  { csv, dryRun = false, who }: Pick<ImportOptions, 'dryRun' | 'who'> & { csv: CsvMapping | null },
): Promise<void> {
  try {
    const problem = fileProblem(path)
    if (problem !== undefined) return fail(`${path}: ${problem}`)
    const file = await importStatement(app, {
      fileName: basename(path),
      bytes: createReadStream(path),
      size: statSync(path).size,
      source: 'command',
      who,
      dryRun,
      open: (bytes) => openStatement(bytes, csv),
      onProgress: progressOf(path),
    })
    printImported(path, file, dryRun)
  } catch (error) {
    if (!(error instanceof StatementError)) throw error
    const { line, column } = error.place
    fail(`${path}:${line}:${column}: ${error.text} (${error.code})`)
  }
}

/** The other files are imported all the same. */
function fail(text: string): void {
  console.error(text)
  process.exitCode = 1
}

function progressOf(path: string): (progress: { bytes: number; lines: number }) => void {
  let told = performance.now()
  return ({ bytes, lines }) => {
    if (performance.now() - told < PROGRESS_MS) return
    told = performance.now()
    console.error(lines > 0 ? `${path}: ${counted(lines, 'line')} read` : `${path}: ${bytes} bytes kept`)
  }
}

function printImported(path: string, file: ImportedFile, dryRun: boolean): void {
  const { importId, format, again, lines, added, doubts, statements } = file
  if (again) {
    console.log(
      `${path}: was imported before (${importId}, ${format}, ${counted(lines, 'line')}); nothing was added.`,
    )
    return
  }
  const id = dryRun ? 'dry run, nothing is kept' : importId
  console.log(`${path}: ${format}, ${counted(lines, 'line')}, ${added} new (${id})`)
  printTable(
    statements.map(({ iban, currency, fromOn, toOn, ...one }) => {
      const money = (units: bigint | null): string | null =>
        units === null ? null : formatAmount(units, assetOf(currency))
      return {
        account: iban,
        from: fromOn,
        to: toOn,
        lines: one.lines,
        new: one.added,
        known: one.known,
        doubts: one.doubts,
        opening: money(one.openingUnits),
        closing: money(one.closingUnits),
      }
    }),
    'It holds no statement.',
  )
  for (const { iban, currency, findings } of statements) {
    for (const text of describeFindings(findings, currency)) console.log(`  ${iban}: ${text}`)
  }
  if (doubts > 0)
    console.log(`  ${doubts} lines may be known ones told otherwise: they wait, see "bank doubts".`)
}

export function importsCommand(): Command {
  return new Command('imports').description('the files that were imported, newest first').action(async () => {
    const imports = await withApp(listImports)
    printTable(
      imports.map(({ id, createdAt, fileName, format, lines, added, source, importedBy, warnings }) => ({
        id,
        at: createdAt,
        file: fileName,
        format,
        lines,
        new: added,
        from: source,
        by: importedBy,
        findings: warnings,
      })),
      'Nothing was imported yet.',
    )
  })
}

export function statementCommand(): Command {
  return new Command('statement')
    .description('what an imported file said, or the file itself with --out')
    .argument('<import>', 'its id in "bank imports"')
    .option('--out <file>', 'write the file there, as it came; an existing file is not replaced')
    .option('--why <reason>', 'why it is written out; recorded, as it holds what customers paid')
    .option('--who <name>', 'who; recorded', userInfo().username)
    .action(async (id: string, { out, who, why }: { out?: string; who: string; why?: string }) => {
      await withApp(async (app) => {
        const { fileName, format, statements } = await getImport(app, id)
        if (out !== undefined) {
          if (why === undefined) throw new RefusedOperation('Say why it is written out, with --why.')
          refuseUnwritable(out)
          const file = createWriteStream(out, { flags: 'wx', mode: 0o600 })
          await pipeline(Readable.from(await openImportedFile(app, id, { who, why })), file)
          console.log(`${fileName} is written to ${out}.`)
          return
        }
        console.log(`${fileName}: ${format}`)
        printTable(
          statements.map(({ iban, fromOn, toOn, lines, added, doubts }) => ({
            account: iban,
            from: fromOn,
            to: toOn,
            lines,
            new: added,
            doubts,
          })),
          'It holds no statement.',
        )
        for (const { iban, currency, findings } of statements) {
          for (const text of describeFindings(findings, currency)) console.log(`  ${iban}: ${text}`)
        }
      })
    })
}
