import { sql } from 'kysely'
import { importStatement } from '../../src/bank-accounts/import-statement.ts'
import type { MadeFile } from '../../src/bank-accounts/orders/export-orders.ts'
import { type TakenAnswer, takeAnswer } from '../../src/bank-accounts/orders/take-answer.ts'
import { openStatement } from '../../src/bank-accounts/statements/detect-format.ts'
import { type FileBankWorld, makeFile, OPERATOR, readStatement } from './file-bank.ts'
import { type PaymentWorld, sendTransfer } from './payments.ts'
import { bytesOf, statementParts, type WrittenLine, writeCamt } from './statement-writers.ts'
import { startTransfer } from './transfer-payments.ts'

const HOUR = 3_600_000

const refundOrderOf = ({ app }: PaymentWorld, paymentId: string) =>
  app.db
    .selectFrom('effects')
    .selectAll()
    .where('reference', '=', `payment:${paymentId}`)
    .where('kind', '=', 'bank_transfer')
    .executeTakeFirstOrThrow()

export interface FileRefund {
  /** Of the payment. */
  id: string
  made: MadeFile
  effect: Awaited<ReturnType<typeof refundOrderOf>>
  /** By which the bank's lines name the order. */
  key: string
}

/** A payment whose refund is in a file that the bank was given. */
export async function startFileRefund({ t, iban }: FileBankWorld): Promise<FileRefund> {
  const { id, ...instructions } = await startTransfer(t)
  await sendTransfer(t.app, { ...instructions, amount: '100.00' })
  await readStatement(t, iban)
  await t.api('POST', `/api/payment/${id}/refund`)
  await t.runLanes('payouts')
  const made = await makeFile(t.app, iban)
  // The statement tells of today already.
  await t.advance(48 * HOUR)
  const effect = await refundOrderOf(t, id)
  return { id, made, effect, key: effect.idempotencyKey }
}

type TestLine = Partial<WrittenLine> & Pick<WrittenLine, 'units'>

/** A notification of the bank's with these lines alone, at which nobody looks yet. */
export async function importLine({ t, iban }: FileBankWorld, ...lines: TestLine[]): Promise<void> {
  const on = t.app.clock.now().toISOString().slice(0, 10)
  const parts = statementParts({ account: iban, on, balances: false, lines: () => lines })
  await importStatement(t.app, {
    bytes: bytesOf(writeCamt(parts, 'camt.054.001.08')),
    fileName: 'lines.xml',
    open: openStatement,
    source: 'command',
    who: 'a test',
  })
  // The simulated bank's next statement has them as well.
  for (const { direction, units } of lines) {
    const signed = direction === 'debit' ? -units : units
    await sql`update simulated.bank_accounts set balance_units = balance_units + ${signed} where iban = ${iban}`.execute(
      t.app.db,
    )
  }
}

/** The same, and what they do is done. */
export async function notifyLine(bank: FileBankWorld, ...lines: TestLine[]): Promise<void> {
  await importLine(bank, ...lines)
  await bank.t.runLanes('bank-lines', 'bank-orders', 'payouts', 'bank-lines')
}

/** The bank's answer refuses the whole file. */
export const rejectFile = ({ t }: FileBankWorld, messageId: string): Promise<TakenAnswer[]> =>
  takeAnswer(
    t.app,
    bytesOf([
      `<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr><MsgId>A</MsgId><CreDtTm>2026-11-20T10:00:00Z</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>${messageId}</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId><GrpSts>RJCT</GrpSts></OrgnlGrpInfAndSts></CstmrPmtStsRpt></Document>`,
    ]),
    OPERATOR,
  )
