import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { isUniqueViolation } from '../db/unique-violation.ts'
import { randomText } from '../kernel/ids.ts'
import { PAYER_NEWS_LANE } from './complete-payers.ts'
import { keepStatement, removeKeptStatement, type SpooledStatement, tooLarge } from './kept-statement.ts'
import { lockBooks, lockImports } from './lock-books.ts'
import { BANK_LINE_LANE } from './record-lines.ts'
import { type SettledStatement, type StagedStatement, settleStatement } from './settle-statement.ts'
import { createStage, emptyStage, stageLines } from './stage-lines.ts'
import { ibanOfAccount } from './statements/account-number.ts'
import { checkStatement } from './statements/check-statement.ts'
import {
  type StatementEnd,
  StatementError,
  type StatementHead,
  type StatementPart,
} from './statements/statement.ts'

export type ImportNeeds = Pick<App, 'db' | 'clock' | 'secrets' | 'wake' | 'config' | 'log' | 'pageNews'> & {
  providers: Pick<App['providers'], 'storage'>
}
type Needs = ImportNeeds

/** Finds out what format a file has, and reads it. Throws `StatementError`. */
export type StatementOpener = (
  bytes: AsyncIterable<Uint8Array>,
) => Promise<{ format: string; parts: AsyncIterable<StatementPart> }>

export interface ImportProgress {
  /** Of the file, that were kept. */
  bytes: number
  /** That were read. */
  lines: number
}

export interface GivenStatement {
  fileName: string
  bytes: AsyncIterable<Uint8Array>
  /** How many bytes there are, where that is known before: a file that is too large is refused unread. */
  size?: number
  source: 'command' | 'folder' | 'console' | 'bank'
  who: string
  open: StatementOpener
  /** Does everything but keep it: the answer says what an import would do. */
  dryRun?: boolean
  onProgress?: (progress: ImportProgress) => void
}

export interface ImportedFile {
  importId: string
  fileName: string
  format: string
  /** The same file was imported before; nothing was done. */
  again: boolean
  lines: number
  added: number
  doubts: number
  /** Empty when the file was imported before. */
  statements: SettledStatement[]
}

/**
 * Imports a file of statements, all of it or nothing: the file is kept, sealed; its lines that nobody told of before are
 * booked and matched. The same file again answers the first import. Throws `StatementError` with the place of what
 * can't be taken; then neither file nor line stays.
 */
export async function importStatement(app: Needs, given: GivenStatement): Promise<ImportedFile> {
  const maxBytes = app.config.statements.maxBytes
  if (given.size !== undefined && given.size > maxBytes) throw tooLarge(maxBytes)
  const importId = `imp_${randomText(20)}`
  const kept = await keepStatement(app, given.bytes, {
    storageKey: `statements/${importId}`,
    maxBytes,
    onProgress: (bytes) => given.onProgress?.({ bytes, lines: 0 }),
  })
  const outcome = await bookKept(app, given, { importId, kept })
    .finally(() => kept.release())
    .catch(async (error: unknown) => {
      // Whether a connection that broke had committed nobody knows: then the sweep of stored files finds out.
      if (error instanceof StatementError) await removeKeptStatement(app, kept)
      throw error
    })
  if (outcome.again || given.dryRun) await removeKeptStatement(app, kept)
  if (outcome.again || given.dryRun) return outcome
  if (outcome.lines > 0) app.wake(BANK_LINE_LANE, PAYER_NEWS_LANE, 'payouts')
  for (const { after } of outcome.statements) after()
  return outcome
}

interface Kept {
  importId: string
  kept: SpooledStatement
}

/** Leaves the transaction of a dry run with what it found. */
class DryRunEnds extends Error {
  readonly file: ImportedFile

  constructor(file: ImportedFile) {
    super('A dry run keeps nothing.')
    this.file = file
  }
}

async function bookKept(app: Needs, given: GivenStatement, { importId, kept }: Kept): Promise<ImportedFile> {
  const before = await findImport(app, kept.digest)
  if (before) return before
  const { format, parts } = await given.open(kept.read())
  try {
    return await app.db.transaction().execute(async (trx) => {
      await lockImports(trx)
      await trx
        .insertInto('statementImports')
        .values({
          id: importId,
          digest: kept.digest,
          fileName: given.fileName,
          format,
          bytes: BigInt(kept.bytes),
          storageKey: kept.storageKey,
          source: given.source,
          importedBy: given.who,
          lines: 0,
          added: 0,
          createdAt: app.clock.now(),
        })
        .execute()
      const statements = await settleParts(app, trx, { importId, format, parts, given, bytes: kept.bytes })
      const sum = (of: (one: SettledStatement) => number): number =>
        statements.reduce((total, one) => total + of(one), 0)
      const counts = { lines: sum(({ lines }) => lines), added: sum(({ added }) => added) }
      await trx.updateTable('statementImports').set(counts).where('id', '=', importId).execute()
      const { fileName } = given
      const doubts = sum((one) => one.doubts)
      const file = { importId, fileName, format, again: false, ...counts, doubts, statements }
      if (given.dryRun) throw new DryRunEnds(file)
      return file
    })
  } catch (error) {
    if (error instanceof DryRunEnds) return error.file
    // Somebody imported the same file meanwhile.
    const first = isUniqueViolation(error) ? await findImport(app, kept.digest) : undefined
    if (first) return first
    throw error
  }
}

async function findImport({ db }: Pick<App, 'db'>, digest: Buffer): Promise<ImportedFile | undefined> {
  const row = await db
    .selectFrom('statementImports')
    .select(['id', 'fileName', 'format', 'lines', 'added'])
    .where('digest', '=', digest)
    .executeTakeFirst()
  if (!row) return undefined
  const { id, ...file } = row
  return { importId: id, ...file, again: true, doubts: 0, statements: [] }
}

/** Such as `camt.053` of `camt.053.001.08`: the versions of a message name lines alike. */
const kindOf = (format: string): string => /^camt\.\d+/.exec(format)?.[0] ?? format

async function settleParts(
  app: Needs,
  trx: Trx,
  {
    importId,
    format,
    parts,
    given,
    bytes,
  }: {
    importId: string
    format: string
    parts: AsyncIterable<StatementPart>
    given: GivenStatement
    bytes: number
  },
): Promise<SettledStatement[]> {
  await createStage(trx)
  const settled: SettledStatement[] = []
  let lines = 0
  let open: { head: StatementHead; account: Account; stage: ReturnType<typeof stageLines> } | undefined
  for await (const part of checkStatement(parts, app.clock.now())) {
    if (part.kind === 'begin') {
      open = { head: part, account: await findAccount(trx, part), stage: stageLines(app, trx) }
    } else if (!open) {
      throw new StatementError('order', part.place, 'There is a line outside of a statement.')
    } else if (part.kind === 'line') {
      if (part.currency !== open.account.currency) throw wrongCurrency(part.currency, open.account, part)
      await open.stage.add(part)
      lines += 1
      if (lines % 1_000 === 0) given.onProgress?.({ bytes, lines })
    } else {
      const count = await open.stage.end()
      await lockBooks(trx, 'alone')
      const position = settled.length + 1
      const statement = stagedOf({ importId, position, format, lines: count }, open, part)
      settled.push(await settleStatement(app, trx, statement))
      await emptyStage(trx, count)
      open = undefined
    }
  }
  given.onProgress?.({ bytes, lines })
  return settled
}

function stagedOf(
  {
    importId,
    position,
    format,
    lines,
  }: { importId: string; position: number; format: string; lines: number },
  { head, account }: { head: StatementHead; account: Account },
  end: StatementEnd,
): StagedStatement {
  return {
    importId,
    position,
    toldBy: kindOf(format),
    iban: account.iban,
    currency: account.currency,
    statementRef: head.statementRef,
    fromOn: head.fromOn,
    toOn: end.toOn ?? head.toOn,
    openingUnits: head.openingUnits,
    closingUnits: end.closingUnits,
    complete: head.complete,
    lines,
  }
}

interface Account {
  iban: string
  currency: string
}

/** Fewer digits may end the numbers of several accounts. */
const LEAST_DIGITS = 8

/** Our account that a statement names: by its IBAN, or by the number that its country's banks use. */
async function findAccount(trx: Trx, { account, currency, place }: StatementHead): Promise<Account> {
  const plain = account.replaceAll(/\s/g, '').toUpperCase()
  const iban = ibanOfAccount(plain) ?? plain
  const rows = await trx.selectFrom('bankAccounts').select(['iban', 'currency']).execute()
  const digits = plain.replaceAll(/\D/g, '')
  const same = rows.filter((one) => one.iban === iban)
  const alike =
    same.length > 0 || digits.length < LEAST_DIGITS
      ? same
      : rows.filter((one) => one.iban.slice(4).endsWith(digits))
  const [found] = alike
  if (!found || alike.length > 1) {
    const text = `We have no account ${account}. Is the statement of another company? "accounts list" shows ours.`
    throw new StatementError('account', place, text)
  }
  if (currency !== null && currency !== found.currency) throw wrongCurrency(currency, found, { place })
  return found
}

const wrongCurrency = (
  currency: string,
  { iban, currency: held }: Account,
  { place }: Pick<StatementHead, 'place'>,
): StatementError =>
  new StatementError('currency', place, `This is in ${currency}, but the account ${iban} is held in ${held}.`)
