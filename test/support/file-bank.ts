import assert from 'node:assert/strict'
import { after, afterEach } from 'node:test'
import type { App } from '../../src/app.ts'
import { importStatement } from '../../src/bank-accounts/import-statement.ts'
import { exportOrders, type MadeFile } from '../../src/bank-accounts/orders/export-orders.ts'
import { setOrdersBy } from '../../src/bank-accounts/orders/list-orders.ts'
import { type TakenAnswer, takeAnswer } from '../../src/bank-accounts/orders/take-answer.ts'
import { openStatement } from '../../src/bank-accounts/statements/detect-format.ts'
import type { OrderFormat } from '../../src/providers/bank/files/write-orders.ts'
import { drawStatement, giveOrderFile, setSimulatedApi } from '../../src/sandbox/file-bank.ts'
import { findSchemaFaults } from './iso20022/validate.ts'
import { checkBooks, findIban, type PaymentWorld, startPaymentWorld } from './payments.ts'

export const OPERATOR = { who: 'olga', why: 'the daily files' }

export interface FileBankWorld {
  t: PaymentWorld
  /** The account of the first sandbox integration, whose bank speaks in files. */
  iban: string
}

/** The world of all tests of one file: its books are checked after each test, and after all it is stopped. */
export async function shareFileBankWorld(): Promise<FileBankWorld> {
  const t = await startPaymentWorld()
  after(() => t.stop())
  const iban = await findIban(t.app)
  await goByFiles(t.app, iban)
  afterEach(async () => {
    // Statements of another test never tell of this one's lines: one may have sums where the next has single orders.
    await t.advance(3 * 86_400_000)
    await checkBooks(t.app)
  })
  return { t, iban }
}

/** The account's bank has no API from now on: orders go out in files, statements come in. */
export async function goByFiles(app: App, iban: string): Promise<void> {
  await setOrdersBy(app, { iban, by: 'file' }, OPERATOR)
  await setSimulatedApi(app, iban, 'file')
}

/** Writes what waits into a file, which must be valid by the schema of ISO. */
export async function makeFile(
  app: App,
  iban: string,
  format: OrderFormat = 'pain.001.001.09',
): Promise<MadeFile> {
  const made = await exportOrders(app, { iban, format }, OPERATOR)
  assert.deepEqual(await findSchemaFaults(format, [made.xml]), [])
  return made
}

export async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

/** Gives a file to the simulated bank and takes its answer in, which must be valid as well. */
export async function handIn(t: PaymentWorld, xml: string): Promise<TakenAnswer> {
  const answer = await giveOrderFile(t.app, xml)
  assert.deepEqual(await findSchemaFaults('pain.002.001.10', [answer]), [])
  const [taken, ...more] = await takeAnswer(t.app, bytesOf(answer), OPERATOR)
  assert.equal(more.length, 0)
  await t.runLanes('payouts')
  return taken!
}

/** The bank books what is due, and its statement of the last days is imported. */
export async function readStatement(
  t: PaymentWorld,
  iban: string,
  options: StatementOptions = {},
): Promise<void> {
  await takeStatement(t, iban, options)
  await t.runLanes('bank-lines', 'bank-orders', 'payouts')
}

export interface StatementOptions {
  /** A file's orders are booked as one sum. */
  batches?: boolean
  /** In place of the file's name beside such a sum. */
  words?: string
  /** `NtryDtls` of such a sum. */
  details?: string
}

/** The same, but nobody looks at its lines yet. */
export async function takeStatement(
  t: PaymentWorld,
  iban: string,
  { batches = false, words, details }: StatementOptions,
): Promise<void> {
  await t.advance(10_000)
  await t.runLanes('simulated-bank')
  const today = t.app.clock.now()
  const day = (offset: number) => new Date(today.getTime() + offset * 86_400_000).toISOString().slice(0, 10)
  const drawn = await drawStatement(t.app, { iban, from: day(-1), to: day(0), batches })
  // Some banks write words of their own instead of the file's name.
  const worded = words ? drawn.replaceAll(/<AddtlNtryInf>[^<]*/g, `<AddtlNtryInf>${words}`) : drawn
  const text = details ? worded.replaceAll('<AddtlNtryInf>', `${details}<AddtlNtryInf>`) : worded
  await takeFile(t, text)
}

/** A file of the bank's, imported. */
export async function takeFile({ app }: PaymentWorld, text: string): Promise<void> {
  await importStatement(app, {
    fileName: 'statement.xml',
    bytes: bytesOf(text),
    source: 'command',
    who: OPERATOR.who,
    open: openStatement,
  })
}
