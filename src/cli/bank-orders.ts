import { createReadStream, readFileSync, writeFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { refuseUnknownToBank } from '../bank-accounts/add-account.ts'
import { exportOrders, readOrderFile } from '../bank-accounts/orders/export-orders.ts'
import { mendHeld, whyHeld } from '../bank-accounts/orders/held-orders.ts'
import {
  listOrderFiles,
  listOrders,
  type OpenOrder,
  setOrdersBy,
} from '../bank-accounts/orders/list-orders.ts'
import { settleFile, settleFileOrder } from '../bank-accounts/orders/settle-file.ts'
import { type TakenAnswer, takeAnswer } from '../bank-accounts/orders/take-answer.ts'
import { refundLine } from '../bank-accounts/refund-line.ts'
import type { TypedTarget } from '../bank-accounts/refund-target.ts'
import { StatementError } from '../bank-accounts/statements/statement.ts'
import { type Change, RefusedOperation } from '../effects/operate-effects.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { ORDER_FORMATS, type OrderFormat } from '../providers/bank/files/write-orders.ts'
import { normaliseIban } from '../providers/bank/iban.ts'
import { drawStatement, giveOrderFile, setSimulatedApi } from '../sandbox/file-bank.ts'
import { printTable, recorded, withApp } from './context.ts'
import { isDay, refuseUnknownAccount, refuseUnreadable, refuseUnwritable } from './given-input.ts'

/** `bank orders …`: transfers for banks without an API, as files. */
export function ordersCommand(): Command {
  const command = new Command('orders')
    .description('transfers for banks without an API: what waits, files of it, and what the bank said')
    .argument('[iban]', 'of this account alone')
    .option('--sent', 'those in a file that the bank has not booked')
    .action(async (iban: string | undefined, { sent = false }: { sent?: boolean }) => {
      const asked = iban === undefined ? null : normaliseIban(iban)
      const orders = await withApp(async (app) => {
        if (asked !== null) await refuseUnknownAccount(app, asked)
        return listOrders(app, { iban: asked, sent })
      })
      printTable(orders.map(rowOf), sent ? 'No order is on its way.' : 'No order waits for a file.')
    })
  addExport(command)
  addFiles(command)
  addAnswers(command)
  recorded(command.command('by'))
    .description("whether an account goes by its bank's API, or by files: orders out, statements in")
    .argument('<iban>', 'of our account, as in "accounts list"')
    .argument('<way>', '`api` or `file`')
    .action(async (iban: string, by: string, change: Change) => {
      if (by !== 'api' && by !== 'file') throw new RefusedOperation(`"${by}" is neither "api" nor "file".`)
      await withApp(async (app) => {
        const account = { iban: normaliseIban(iban) }
        // The sandbox's bank has the API for it before it is asked whether it has, and loses it only with our word.
        if (by === 'api') {
          await setSimulatedApi(app, account.iban, by)
          await refuseUnknownToBank(app.providers.bank, account)
        }
        await setOrdersBy(app, { ...account, by }, change)
        if (by === 'file') await setSimulatedApi(app, account.iban, by)
      })
      console.log(`${normaliseIban(iban)} goes by ${by === 'api' ? "its bank's API" : 'files'} from now on.`)
    })
  return command
}

const money = (units: bigint, currency = 'EUR'): string =>
  `${formatAmount(units, assetOf(currency))} ${currency}`

const rowOf = ({ endToEndId, iban, units, currency, fileId, state, reason, ...order }: OpenOrder) => ({
  iban,
  since: order.createdAt,
  order: endToEndId,
  amount: money(units, currency),
  for: order.reference,
  effect: order.effect,
  file: fileId,
  refused: state === 'rejected' ? (reason ?? 'without a reason') : null,
  'held back': order.held,
})

function addExport(command: Command): void {
  recorded(command.command('export'))
    .description('write all that waits into one file for the bank; each order is in one file for good')
    .argument('<iban>', 'of our account, as in "accounts list"')
    .addOption(
      new Option('--format <format>', 'of ISO 20022').choices([...ORDER_FORMATS]).default('pain.001.001.09'),
    )
    .option('--on <day>', 'when the bank carries it out, YYYY-MM-DD; the next bank day unless told')
    .requiredOption('--out <file>', 'where to write it; a file that is there is not replaced')
    .action(async (iban: string, options: Change & { format: OrderFormat; on?: string; out: string }) => {
      const { format, on: executeOn, out, who, why } = options
      if (executeOn !== undefined && !isDay(executeOn)) refuseDay(executeOn)
      // Before the orders are in a file for good.
      refuseUnwritable(out)
      const made = await withApp((app) =>
        exportOrders(app, { iban: normaliseIban(iban), format, executeOn }, { who, why }),
      )
      console.log(`File ${made.id} (${made.messageId}): ${made.orders} orders, ${money(made.units)}.`)
      writeOut(out, made.xml, made.id)
      for (const order of made.held) {
        console.log(`Held back, in no file: ${order.endToEndId}. ${whyHeld(order)}. ${mendHeld(order)}`)
      }
    })
}

function refuseDay(text: string): never {
  throw new RefusedOperation(`${text} is no day. Write it like 2026-03-31.`)
}

/** For nobody else's eyes: it names people and their accounts. */
function writeOut(path: string, text: string, fileId?: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    const again = fileId
      ? ` The file is kept: "bank orders file ${fileId} --out … --why …" writes it again.`
      : ''
    throw new RefusedOperation(`${path} can't be written: ${(error as Error).message}.${again}`)
  }
  console.log(`Written to ${path}.`)
}

function addFiles(command: Command): void {
  command
    .command('files')
    .description('files that were made, newest first, and how far their orders are')
    .argument('[iban]', 'of this account alone')
    .action(async (iban: string | undefined) => {
      const asked = iban === undefined ? null : normaliseIban(iban)
      const files = await withApp(async (app) => {
        if (asked !== null) await refuseUnknownAccount(app, asked)
        return listOrderFiles(app, asked)
      })
      printTable(
        files.map(({ createdAt, id, batchLine, madeBy, units, ...file }) => ({
          made: createdAt,
          file: id,
          name: file.messageId,
          iban: file.iban,
          amount: money(units),
          orders: file.orders,
          booked: file.booked,
          refused: file.rejected,
          returned: file.returned,
          'the bank said': file.answer,
          'one line': batchLine,
          by: madeBy,
        })),
        'No file was made.',
      )
    })
  recorded(command.command('file'))
    .description('give a file out again, byte for byte; the bank knows it by its name and takes it once')
    .argument('<file>', 'its id in "bank orders files"')
    .requiredOption('--out <path>', 'where to write it')
    .action(async (id: string, { out, who, why }: Change & { out: string }) =>
      writeOut(out, await withApp((app) => readOrderFile(app, id, { who, why }))),
    )
}

function addAnswers(command: Command): void {
  recorded(command.command('answer'))
    .description("take the bank's answer in (pain.002): what it refuses is not sent again by itself")
    .argument('<path>', 'the pain.002')
    .action(async (path: string, change: Change) => {
      refuseUnreadable(path)
      const taken = await withApp((app) => takeAnswer(app, createReadStream(path), change)).catch(
        (error: unknown) => {
          if (error instanceof StatementError) throw new RefusedOperation(`${path}: ${error.message}`)
          throw error
        },
      )
      for (const answer of taken) printAnswer(answer)
    })
  recorded(command.command('settle'))
    .description('a line of a statement took a whole file as one sum, or one order of it: they are booked')
    .argument('<file>', 'its id in "bank orders files"')
    .argument('<line>', 'the id of the debit in "accounts lines"')
    .option('--order <id>', 'the line is the debit of this order alone, by its EndToEndId')
    .action(async (fileId: string, lineId: string, options: Change & { order?: string }) => {
      const { order: endToEndId, ...change } = options
      if (endToEndId !== undefined) {
        await withApp((app) => settleFileOrder(app, { fileId, lineId, endToEndId }, change))
        console.log(`Order ${endToEndId} is booked by line ${lineId}.`)
        return
      }
      const orders = await withApp((app) => settleFile(app, { fileId, lineId }, change))
      console.log(`${orders} orders are booked by line ${lineId}.`)
    })
}

function printAnswer({ fileId, messageId, status, ...taken }: TakenAnswer): void {
  const { rejected, standing, contradicted, revived } = taken
  console.log(
    `File ${fileId} (${messageId}): ${status ?? 'no word on the whole'}, ${standing} orders stand, ${rejected.length} are refused now.`,
  )
  for (const { endToEndId, reason } of rejected) console.log(`  ${endToEndId}: ${reason}`)
  for (const id of contradicted) {
    console.log(`  ${id}: the bank refuses it, though its statement has it booked. Ask the bank.`)
  }
  for (const id of revived) {
    console.log(
      `  ${id}: the bank accepts it, though it refused it before. Ask the bank before anything is sent in its place.`,
    )
  }
}

/** `bank refund-line`: money of nobody goes back to where it came from. */
export function refundLineCommand(): Command {
  return recorded(new Command('refund-line'))
    .description('pay back what is left of a transfer that belongs to no payment, to where it came from')
    .argument('<iban>', 'of our account, as in "accounts list"')
    .argument('<line>', 'its id in "accounts lines"')
    .option('--to-iban <iban>', 'another account, when the bank did not name the payer’s or it takes nothing')
    .option(
      '--to-account <number>',
      'of another currency than the euro: CLABE, CBU, CVU, CCI or account number',
    )
    .option('--bank <name>', 'the bank of that account; needed for other currencies than the euro')
    .option('--name <name>', 'whose account that is; the payer’s name unless told')
    .addHelpText(
      'after',
      '\nOf a line that is matched in part, the rest goes back; nothing goes back twice. Euros go by SEPA; CLP, MXN, COP, PEN\nand ARS to an account of their country, by the API of the bank of ours that the line is of.',
    )
    .action(async (iban: string, id: string, options: Change & TypedTarget & { bank?: string }) => {
      const { who, why, bank: bankName, ...typed } = options
      const { units, currency } = await withApp((app) =>
        refundLine(app, { iban: normaliseIban(iban), id, ...typed, bankName }, { who, why }),
      )
      console.log(`${money(units, currency)} of line ${id} go back. "effects list" shows how far it is.`)
    })
}

/** `bank simulator …`: what the sandbox's bank does with files. */
export function simulatorCommand(): Command {
  const command = new Command('simulator').description('the sandbox’s bank, for accounts that go by files')
  command
    .command('take')
    .description('hand it a file of orders; writes its answer, the later one when asked again')
    .argument('<file>', 'as "bank orders export" wrote it')
    .requiredOption('--answer <path>', 'where to write the pain.002')
    .action(async (path: string, { answer }: { answer: string }) => {
      refuseUnreadable(path)
      refuseUnwritable(answer)
      writeOut(answer, await withApp((app) => giveOrderFile(app, readFileSync(path, 'utf8'))))
    })
  command
    .command('statement')
    .description('have it write the statement of an account, camt.053')
    .argument('<iban>', 'of our account, as in "accounts list"')
    .requiredOption('--from <day>', 'YYYY-MM-DD')
    .requiredOption('--to <day>', 'YYYY-MM-DD')
    .requiredOption('--out <path>', 'where to write it')
    .option('--batches', 'with one sum for the orders of a file')
    .action(async (iban: string, options: { from: string; to: string; out: string; batches?: boolean }) => {
      const { from, to, out, batches = false } = options
      for (const day of [from, to]) if (!isDay(day)) refuseDay(day)
      if (from > to)
        throw new RefusedOperation(`${from} is after ${to}: --from is the first day, --to the last.`)
      refuseUnwritable(out)
      writeOut(
        out,
        await withApp((app) => drawStatement(app, { iban: normaliseIban(iban), from, to, batches })),
      )
    })
  return command
}
