import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { eventually } from '../../../test/support/app.ts'
import { fileOf, lineOf, partsOf, portLineOf, shareStatementWorld } from '../../../test/support/statements.ts'
import type { BankProvider } from '../../providers/bank/port.ts'
import { closeDay } from '../close-day.ts'
import { importStatement } from '../import-statement.ts'
import { lockBooks } from '../lock-books.ts'
import { recordBankLines } from '../record-lines.ts'

const world = await shareStatementWorld()
const DAY = '2026-03-02'
const app = { ...world, providers: { ...world.providers, bank: null as unknown as BankProvider } }

test('a day is closed when those have ended who record lines, and what they record after it is known as late', async () => {
  const iban = await world.addAccount()
  const lines = [lineOf({ bookedOn: DAY, units: 100n })]
  await importStatement(
    world,
    fileOf(partsOf({ account: iban, lines, openingUnits: 0n, fromOn: DAY, toOn: DAY })),
  )
  let isClosed = false
  let closing: Promise<unknown> | undefined
  await world.db.transaction().execute(async (trx) => {
    await lockBooks(trx, 'shared')
    closing = closeDay(app, { day: DAY, iban }, 'maria').then((closed) => {
      isClosed = true
      return closed
    })
    await eventually('the close to wait', async () => {
      const { rows } = await sql`select from pg_locks where locktype = 'advisory' and not granted`.execute(
        trx,
      )
      return rows.length > 0
    })
    assert.equal(isClosed, false)
  })
  await closing
  const line = portLineOf({
    iban,
    ref: 'late',
    bookedAt: new Date(`${DAY}T10:00:00Z`),
    valueDate: DAY,
    units: 70n,
  })
  await recordBankLines(world, [line])
  const { rows } = await sql<{ isLater: boolean }>`
    select t.created_at > c.closed_at as is_later from bank_transactions t join bank_closes c using (iban)
     where t.iban = ${iban} and t.units = 70`.execute(world.db)
  assert.deepEqual(rows, [{ isLater: true }])
})
