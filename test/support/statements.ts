import { after } from 'node:test'
import { type Logger, pino } from 'pino'
import type { GivenStatement, StatementOpener } from '../../src/bank-accounts/import-statement.ts'
import type { StatementLine, StatementPart } from '../../src/bank-accounts/statements/statement.ts'
import { type Db, openDatabase } from '../../src/db/database.ts'
import type { PageNews } from '../../src/hosted/page-news.ts'
import { createClock, type MovableClock } from '../../src/kernel/clock.ts'
import { type Config, loadConfig } from '../../src/kernel/config.ts'
import { createSecrets, type Secrets } from '../../src/kernel/secrets.ts'
import { verifyBooks } from '../../src/ledger/verify.ts'
import { spanishIban } from '../../src/providers/bank/iban.ts'
import type { BankLine } from '../../src/providers/bank/port.ts'
import type { Storage } from '../../src/providers/storage/storage.ts'
import { createTestDatabase } from './database.ts'

let accounts = 0
const PLACE = { line: 1, column: 1 }

/** What an import needs, over a database of its own. */
export interface StatementWorld {
  db: Db
  clock: MovableClock
  secrets: Secrets
  log: Logger
  config: Config
  pageNews: PageNews
  providers: { storage: Storage }
  /** What is kept, by key. */
  files: Map<string, Buffer>
  woken: string[]
  wake(...lanes: string[]): void
  /** The IBAN of a new account. */
  addAccount(currency?: string): Promise<string>
  /** Every table that an import may change, as one text. */
  tables(): Promise<string>
  /** What is wrong with the books. */
  problems(): Promise<string[]>
  close(): Promise<void>
}

export async function openStatementWorld(): Promise<StatementWorld> {
  const database = await createTestDatabase()
  const { db } = openDatabase({ url: database.url, poolSize: 4, onPoolError: () => {} })
  const files = new Map<string, Buffer>()
  const world: StatementWorld = {
    db,
    clock: createClock(),
    secrets: createSecrets(Buffer.alloc(32, 9)),
    log: pino({ level: 'silent' }),
    config: { ...loadConfig({}), statements: { maxBytes: 64_000_000, folder: undefined, stillMs: 15_000 } },
    pageNews: { tell() {}, wait: async () => {}, close() {}, closed: false },
    providers: { storage: memoryStorage(files) },
    files,
    woken: [],
    wake: (...lanes) => void world.woken.push(...lanes),
    async addAccount(currency = 'EUR') {
      accounts += 1
      const iban = spanishIban('2100', '0418', String(accounts).padStart(10, '0'))
      await db
        .insertInto('bankAccounts')
        .values({
          iban,
          integrationId: null,
          bic: 'CAIXESBBXXX',
          bankName: 'CaixaBank',
          holderName: 'Ramp SL',
          currency,
          statementRef: null,
          dueAt: null,
          leaseUntil: null,
          createdAt: world.clock.now(),
        })
        .execute()
      return iban
    },
    async tables() {
      const names = [
        'bankTransactions',
        'statementImports',
        'statements',
        'statementLines',
        'bankDoubts',
        'bankLineRefs',
        'journals',
        'postings',
        'unsealedJournals',
      ] as const
      const rows = await Promise.all(names.map((name) => db.selectFrom(name).selectAll().execute()))
      return JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
    },
    problems: async () => (await verifyBooks(world)).problems.map(({ where, what }) => `${where} ${what}`),
    async close() {
      await db.destroy()
      await database.drop()
    },
  }
  return world
}

/** The world of all tests of one file, closed after them. */
export async function shareStatementWorld(): Promise<StatementWorld> {
  const world = await openStatementWorld()
  after(() => world.close())
  return world
}

function memoryStorage(files: Map<string, Buffer>): Storage {
  return {
    write: async (key, sealed) => void files.set(key, sealed),
    async read(key) {
      const found = files.get(key)
      if (!found) throw new Error(`Nothing is kept under ${key}.`)
      return found
    },
    remove: async (key) => void files.delete(key),
    async *list() {
      for (const key of files.keys()) yield { key, writtenAt: new Date(0) }
    },
    removeDrafts: async () => 0,
  }
}

/** A booked line as a reader gives it; a credit of 100.00 from Ana unless told. */
export const lineOf = (given: Partial<StatementLine> = {}): StatementLine => ({
  place: PLACE,
  bankRef: null,
  bookedOn: '2026-03-02',
  bookedAt: null,
  valueDate: given.bookedOn ?? '2026-03-02',
  direction: 'credit',
  units: 10_000n,
  currency: 'EUR',
  balanceUnits: null,
  counterpartyName: 'Ana Gomez',
  counterpartyIban: null,
  concept: 'Pago',
  endToEndId: null,
  returnCode: null,
  returnText: null,
  ...given,
})

/** A line as the bank's interface tells it; the same credit of Ana's unless told. */
export const portLineOf = (given: Partial<BankLine> & Pick<BankLine, 'iban'>): BankLine => ({
  ref: 'L0000000001',
  bookedAt: new Date('2026-03-02T10:00:00Z'),
  valueDate: '2026-03-02',
  direction: 'credit',
  units: 10_000n,
  balanceUnits: 0n,
  currency: 'EUR',
  counterpartyName: 'Ana Gomez',
  counterpartyIban: null,
  concept: 'Pago',
  endToEndId: null,
  transferRef: null,
  returnCode: null,
  returnText: null,
  ...given,
})

export interface StatementGiven {
  lines: StatementLine[]
  account: string
  openingUnits?: bigint | null
  closingUnits?: bigint | null
  fromOn?: string | null
  toOn?: string | null
  complete?: boolean
  statementRef?: string | null
}

/** The parts of one statement; the closing balance follows from the opening one unless told. */
export function partsOf({ lines, account, openingUnits = 0n, ...given }: StatementGiven): StatementPart[] {
  const moved = lines.reduce(
    (sum, { direction, units }) => sum + (direction === 'credit' ? units : -units),
    0n,
  )
  const { fromOn = null, toOn = null, complete = true, statementRef = null } = given
  const closingUnits =
    given.closingUnits === undefined
      ? openingUnits === null
        ? null
        : openingUnits + moved
      : given.closingUnits
  return [
    {
      kind: 'begin',
      place: PLACE,
      account,
      currency: 'EUR',
      statementRef,
      fromOn,
      toOn,
      openingUnits,
      complete,
    },
    ...lines.map((line): StatementPart => ({ kind: 'line', ...line })),
    {
      kind: 'end',
      place: PLACE,
      closingUnits,
      toOn,
      stated: { lines: null, creditUnits: null, debitUnits: null },
    },
  ]
}

/** The parts of statements of the account that a test has just now. */
export const partsOfAccount =
  (account: () => string) =>
  (given: Partial<StatementGiven> & Pick<StatementGiven, 'lines'>): StatementPart[] =>
    partsOf({ account: account(), ...given })

let files = 0

/** A file of these parts; its bytes are another file's unless named. */
export function fileOf(
  parts: readonly StatementPart[],
  { format = 'camt.053.001.08', bytes }: { format?: string; bytes?: string } = {},
): GivenStatement {
  files += 1
  const fileName = `statement-${files}`
  const content = Buffer.from(bytes ?? fileName)
  const open: StatementOpener = async (kept) => {
    const read: Uint8Array[] = []
    for await (const chunk of kept) read.push(chunk)
    if (!Buffer.concat(read).equals(content)) throw new Error('The file was not kept as it came.')
    return { format, parts: emit(parts) }
  }
  return { fileName, bytes: emit([content]), source: 'command', who: 'tester', open }
}

async function* emit<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}
