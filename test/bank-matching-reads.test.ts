import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { sql } from 'kysely'
import { importStatement } from '../src/bank-accounts/import-statement.ts'
import { bankLineLane } from '../src/bank-accounts/match-lines.ts'
import { openStatement } from '../src/bank-accounts/statements/detect-format.ts'
import { spanishIban } from '../src/providers/bank/iban.ts'
import { eventually } from './support/app.ts'
import { inventBankLines } from './support/bank-lines-generator.ts'
import { putPayments, receiveLines } from './support/matching-world.ts'
import type { PaymentWorld } from './support/payments.ts'
import { bytesOf, statementParts, writeCamt } from './support/statement-writers.ts'
import { startTemplateWorld } from './support/template-world.ts'

const KNOWN_LINES = 1_000
const LINES = 6_000
const DAY_MS = 86_400_000
/** What a line may cost in rows of its table that are read: a few dozen are. Each that reads all the others reads thousands. */
const MOST_READ = 200

describe('the first statement of an account that the statistics do not know', () => {
  let t: PaymentWorld
  let templateId: string
  let known: string
  before(async () => {
    const world = await startTemplateWorld()
    t = world.t
    templateId = world.templateId
    known = world.iban
  })
  after(() => t.stop())

  it('is imported and matched by reading each line a few times, however many others wait', async () => {
    const lane = bankLineLane(t.app)
    const matchAll = async () => {
      while ((await lane.step()) > 0);
    }
    const before = inventBankLines(2, KNOWN_LINES, t.app.clock.now())
    await putPayments(t.app, before, { iban: known, templateId })
    await receiveLines(t.app, before, { iban: known, matchSome: () => lane.step() })

    const iban = spanishIban('9999', '0009', '0000000077')
    await sql`
      insert into bank_accounts (iban, integration_id, bic, bank_name, holder_name, currency, created_at)
      select ${iban}, integration_id, bic, bank_name, holder_name, currency, created_at from bank_accounts
       where iban = ${known}`.execute(t.app.db)
    const invented = inventBankLines(3, LINES, new Date(t.app.clock.now().getTime() - 10 * DAY_MS))
    await putPayments(t.app, invented, { iban, templateId })
    await sql`analyze`.execute(t.app.db)
    const first = await readCounts(t)
    const parts = statementParts({
      account: iban,
      on: invented.lines.at(-1)!.bookedAt.toISOString().slice(0, 10),
      *lines() {
        for (const { ref, ...line } of invented.lines) yield { ...line, bankRef: ref }
      },
    })
    const { added } = await importStatement(t.app, {
      fileName: 'first.xml',
      bytes: bytesOf(writeCamt(parts)),
      source: 'command',
      who: 'tester',
      open: openStatement,
    })
    assert.equal(added, LINES)
    await matchAll()
    const { count: matched } = await t.app.db
      .selectFrom('bankTransactions')
      .select((row) => row.fn.countAll<number>().as('count'))
      .where('iban', '=', iban)
      .where('state', '=', 'matched')
      .executeTakeFirstOrThrow()
    assert.ok(matched > LINES * 0.9, `${matched} are matched`)

    let last = first
    await eventually('the server to count what was done', async () => {
      last = await readCounts(t)
      return last.inserted - first.inserted >= LINES && last.updated - first.updated >= matched
    })
    const read = (last.read - first.read) / LINES
    assert.ok(read < MOST_READ, `${read} rows were read for each line`)
  })
})

/** Rows of bank lines that were inserted, updated and read since the database was made. */
async function readCounts({
  app,
}: PaymentWorld): Promise<{ inserted: number; updated: number; read: number }> {
  const { rows } = await sql<{ inserted: number; updated: number; read: number }>`
    select n_tup_ins::integer as inserted, n_tup_upd::integer as updated,
           (seq_tup_read + idx_tup_fetch)::bigint as read
      from pg_stat_user_tables where relname = 'bank_transactions'`.execute(app.db)
  return rows[0]!
}
