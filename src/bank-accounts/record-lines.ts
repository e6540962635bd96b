import { type RawBuilder, sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { recheckShort } from '../effects/payout-store.ts'
import { randomTexts } from '../kernel/ids.ts'
import { bookAll, type Journal, type Posting } from '../ledger/book.ts'
import { COUNTERPARTY_PURPOSE, type Counterparty } from '../onramp/refund-sources.ts'
import type { BankLine } from '../providers/bank/port.ts'
import { completeRetold, PAYER_NEWS_LANE } from './complete-payers.ts'
import { leaveOutKnown } from './port-lines.ts'
import { settleReversals } from './reversals/settle-reversals.ts'
import { findTakenAgain, lineName, TAKEN_AGAIN, tellOfTakenAgain } from './taken-again.ts'
import {
  askAboutTaken,
  GIVEN_UP,
  lockTakenOrders,
  reviewGivenUp,
  type TakenOrder,
} from './unexpected-debits.ts'

export const BANK_LINE_LANE = 'bank-lines'

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'wake' | 'log' | 'pageNews'>

/** Money that came and whose owner isn't known yet. */
export const suspenseOf = (iban: string): string => `suspense:${iban}`
export const bankOf = (iban: string): string => `bank:${iban}`
/** Money that we ordered to go out and that the bank has not booked yet. */
export const transitOutOf = (iban: string): string => `transit:out:${iban}`

/** How a counterparty's account is known again; null when the bank didn't name it. */
export const payerIndex = (secrets: Pick<App['secrets'], 'index'>, iban: string | null): Buffer | null =>
  iban === null ? null : secrets.index('payer-account', iban.replaceAll(/\s/g, '').toUpperCase())

/**
 * Records lines of our accounts, each once however often the bank tells of it, with their entries: what came waits in
 * suspense, seen by the operator, until it is matched. Answers the accounts that we don't know.
 */
export async function recordBankLines(app: Needs, lines: readonly BankLine[]): Promise<Set<string>> {
  const ibans = [...new Set(lines.map(({ iban }) => iban))]
  const accounts = await app.db.selectFrom('bankAccounts').select('iban').where('iban', 'in', ibans).execute()
  const known = new Set(accounts.map(({ iban }) => iban))
  const { added, after } = await app.db.transaction().execute(async (trx) => {
    const ours = lines.filter(({ iban }) => known.has(iban))
    const inserted = await insertLines(app, trx, await leaveOutKnown(app, trx, ours))
    // What a statement told to be taken back before it was known to have come.
    const reversed: (() => void)[] = []
    for (const iban of inserted.credited) reversed.push(await settleReversals(app, trx, iban))
    await completeRetold(app, trx, ours)
    const after = (): void => {
      inserted.after()
      for (const one of reversed) one()
    }
    return { added: inserted.added, after }
  })
  app.wake(BANK_LINE_LANE, PAYER_NEWS_LANE, ...(added > 0 ? ['payouts'] : []))
  after()
  return new Set(ibans.filter((iban) => !known.has(iban)))
}

async function insertLines(
  app: Needs,
  trx: Trx,
  lines: readonly BankLine[],
): Promise<{ added: number; credited: string[]; after: () => void }> {
  if (lines.length === 0) return { added: 0, credited: [], after: () => {} }
  const now = app.clock.now()
  const again = await findTakenAgain(trx, lines.filter(isOrdered))
  const seal = ({ counterpartyName: name, counterpartyIban: iban }: BankLine): Buffer =>
    app.secrets.seal(COUNTERPARTY_PURPOSE, JSON.stringify({ name, iban } satisfies Counterparty))
  const { rows } = await sql<{ iban: string; bankRef: string }>`
    insert into bank_transactions (iban, id, bank_ref, booked_at, value_date, direction, units, currency,
                                   counterparty_sealed, concept, end_to_end_id, transfer_ref, return_code, return_text, booked_on, payer_index,
                                   state, due_at, created_at)
    select given.*, case when direction = 'debit' and transfer_ref is not null then 'matched' else 'unmatched' end,
           case when direction = 'credit' then ${now}::timestamptz end, ${now}
      from unnest(${lines.map(({ iban }) => iban)}::text[], ${randomTexts(lines.length, 25)}::text[],
                  ${lines.map(({ ref }) => ref)}::text[], ${lines.map(({ bookedAt }) => bookedAt)}::timestamptz[],
                  ${lines.map(({ valueDate }) => valueDate)}::date[],
                  ${lines.map(({ direction }) => direction)}::text[],
                  ${lines.map(({ units }) => units.toString())}::numeric[],
                  ${lines.map(({ currency }) => currency)}::text[], ${lines.map(seal)}::bytea[],
                  ${lines.map(({ concept }) => concept)}::text[],
                  ${lines.map(({ endToEndId }) => endToEndId)}::text[],
                  ${lines.map(({ transferRef }) => transferRef)}::text[],
                  ${lines.map(({ returnCode }) => returnCode)}::text[],
                  ${lines.map(({ returnText }) => returnText)}::text[],
                  ${lines.map(({ bookedAt }) => bookedAt.toISOString().slice(0, 10))}::date[],
                  ${lines.map(({ counterpartyIban }) => payerIndex(app.secrets, counterpartyIban))}::bytea[])
           given (iban, id, bank_ref, booked_at, value_date, direction, units, currency, counterparty_sealed, concept,
                  end_to_end_id, transfer_ref, return_code, return_text, booked_on, payer_index)
    on conflict (iban, bank_ref) do nothing
    returning iban, bank_ref`.execute(trx)
  const fresh = new Set(rows.map(({ iban, bankRef }) => `${iban} ${bankRef}`))
  const added = lines.filter(({ iban, ref }) => fresh.delete(`${iban} ${ref}`))
  const ordered = added.filter((line) => isOrdered(line) && !again.has(lineName(line)))
  const taken = await lockTakenOrders(trx, ordered)
  const givenUp = taken.filter(({ state }) => state === 'cancelled')
  const unexpected = unexpectedOf(added, givenUp, again)
  await bookAll(
    trx,
    added.map((line) => bankLineJournal(line, now, unexpected.has(line))),
  )
  // What waits for money on these accounts is looked at as soon as this is committed.
  const credits = added.filter(({ direction }) => direction === 'credit')
  const credited = [...new Set(credits.map(({ iban }) => iban))].sort()
  if (credited.length > 0) await recheckShort(trx, credited, now)
  await askAboutTaken(trx, taken, now)
  await markUnexpected(trx, unexpected)
  const reviewed = await reviewGivenUp(app, trx, givenUp)
  const after = (): void => {
    reviewed()
    for (const line of added.filter((one) => again.has(lineName(one)))) tellOfTakenAgain(app, line, again)
  }
  return { added: added.length, credited, after }
}

const isOrdered = ({ direction, transferRef }: BankLine): boolean =>
  direction === 'debit' && transferRef !== null

/** Debits that no order of ours took any more, with what is said of them. */
function unexpectedOf(
  lines: readonly BankLine[],
  givenUp: readonly TakenOrder[],
  again: ReadonlyMap<string, string>,
): Map<BankLine, string> {
  const effects = new Map(givenUp.map(({ transferRef, id }) => [transferRef, id]))
  return new Map(
    lines.filter(isOrdered).flatMap((line): [BankLine, string][] => {
      const takenBefore = again.get(lineName(line))
      if (takenBefore !== undefined) return [[line, TAKEN_AGAIN + takenBefore]]
      const effect = effects.get(line.transferRef!)
      return effect === undefined ? [] : [[line, GIVEN_UP + effect]]
    }),
  )
}

/** A line as the ledger sees it; `ref` is its `bank_ref`. */
export type LedgerLine = Pick<BankLine, 'ref' | 'iban' | 'direction' | 'units' | 'currency' | 'transferRef'>

/** What a line does to the books when it is recorded; `isUnexpected`: its order was given up, or was taken before, so that it has no owner. */
export const bankLineJournal = (line: LedgerLine, at: Date, isUnexpected = false): Journal => ({
  kind: line.direction === 'credit' ? 'bank_credit' : 'bank_debit',
  purpose: `bank-line:${line.iban}:${line.ref}`,
  integrationId: null,
  reference: line.ref,
  at,
  postings: postingsOf(line, isUnexpected),
})

/** What `bankLineJournal` says, for rows `l` of an account with `ref`, `direction`, `units` and `transfer_ref`, to be selected. */
export const bankLineJournals = (
  { iban, currency }: Pick<BankLine, 'iban' | 'currency'>,
  at: Date,
): RawBuilder<unknown> => {
  const isCredit = sql`l.direction = 'credit'`
  const ordered = sql`case when l.transfer_ref is null then ${suspenseOf(iban)}::text else ${transitOutOf(iban)}::text end`
  return sql`
    case when ${isCredit} then 'bank_credit' else 'bank_debit' end as kind,
    ${`bank-line:${iban}:`}::text || l.ref as purpose, l.ref as reference, ${at}::timestamptz as at,
    case when ${isCredit} then ${bankOf(iban)}::text else ${ordered} end as debit,
    case when ${isCredit} then ${suspenseOf(iban)}::text else ${bankOf(iban)}::text end as credit,
    ${currency}::text as asset, l.units`
}

/** Money that no order of ours took any more: its line has no owner, like one that the bank took by itself. */
async function markUnexpected(trx: Trx, unexpected: ReadonlyMap<BankLine, string>): Promise<void> {
  if (unexpected.size === 0) return
  const marked = [...unexpected.keys()]
  await sql`
    update bank_transactions t set state = 'unmatched', match_reasons = jsonb_build_array(given.reason)
      from unnest(${marked.map(({ iban }) => iban)}::text[], ${marked.map(({ ref }) => ref)}::text[],
                  ${[...unexpected.values()]}::text[]) given (iban, ref, reason)
     where t.iban = given.iban and t.bank_ref = given.ref`.execute(trx)
}

function postingsOf(
  { iban, direction, units, currency, transferRef }: LedgerLine,
  isUnexpected: boolean,
): Posting[] {
  if (direction === 'credit') {
    return [
      { account: bankOf(iban), asset: currency, units },
      { account: suspenseOf(iban), asset: currency, units: -units },
    ]
  }
  // What the bank takes without our order, such as its fees, waits in suspense for a person as well.
  const account = transferRef === null || isUnexpected ? suspenseOf(iban) : transitOutOf(iban)
  return [
    { account, asset: currency, units },
    { account: bankOf(iban), asset: currency, units: -units },
  ]
}
