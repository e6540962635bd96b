import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import type { App } from '../../src/app.ts'
import { recordBankLines } from '../../src/bank-accounts/record-lines.ts'
import { randomText } from '../../src/kernel/ids.ts'
import { findBankProblems } from '../../src/ledger/verify-outside.ts'
import { findOrderProblems } from '../../src/ledger/verify-payouts.ts'
import { ibanOf } from '../../src/providers/bank/iban.ts'
import type { BankLine } from '../../src/providers/bank/port.ts'
import { MAGIC_PAYEES } from '../../src/providers/bank/simulated/magic.ts'

type Needs = Parameters<typeof recordBankLines>[0]

/** The bank tells of a line; the matching has not looked at it yet. Answers the line's id. */
export async function tellLine(app: Needs, line: Partial<BankLine> & { iban: string }): Promise<string> {
  const ref = `test-${randomText(16)}`
  const now = app.clock.now()
  const told: BankLine = {
    ref,
    bookedAt: now,
    valueDate: now.toISOString().slice(0, 10),
    direction: 'credit',
    units: 10_000n,
    balanceUnits: 0n,
    currency: 'EUR',
    counterpartyName: 'Ana Pérez García',
    counterpartyIban: 'ES9121000418450200051332',
    concept: '',
    endToEndId: null,
    transferRef: null,
    returnCode: null,
    returnText: null,
    ...line,
  }
  assert.deepEqual([...(await recordBankLines(app, [told]))], [], 'the account is known')
  const { id } = await app.db
    .selectFrom('bankTransactions')
    .select('id')
    .where('iban', '=', told.iban)
    .where('bankRef', '=', told.ref)
    .executeTakeFirstOrThrow()
  return id
}

/** An account that several integrations share, known to us and to no bank. */
export async function addSharedAccount(
  { db, clock }: Pick<App, 'db' | 'clock'>,
  currency = 'EUR',
): Promise<string> {
  const number = String(randomInt(2 ** 32)).padStart(10, '0')
  const iban = ibanOf('ES', `9999000199${number}`)
  await db
    .insertInto('bankAccounts')
    .values({
      iban,
      integrationId: null,
      bic: 'CPSBESM1XXX',
      bankName: 'Banco',
      holderName: 'Shared',
      currency,
      createdAt: clock.now(),
    })
    .execute()
  return iban
}

export const lineOf = ({ db }: Pick<App, 'db'>, id: string) =>
  db.selectFrom('bankTransactions').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

/** The bank says of its accounts and of our orders what the books say. */
export async function checkBank({ db, providers }: Pick<App, 'db' | 'providers'>): Promise<void> {
  assert.deepEqual(await findBankProblems(db, providers.bank!), [])
  assert.deepEqual(await findOrderProblems(db, providers.bank!), [])
}

/** The account that makes the simulated bank do so, with this reason; `keptUnits`: and keep so much of it. */
export function magicPayee(does: string, code: string | null, keptUnits?: bigint): string {
  const found = MAGIC_PAYEES.find(
    ({ fate }) =>
      fate.does === does && fate.code === code && (keptUnits === undefined || fate.keptUnits === keptUnits),
  )
  assert.ok(found, `there is a payee that makes the bank ${does} with ${code}`)
  return found.value
}
