import { type Selectable, sql } from 'kysely'
import type { App } from '../../app.ts'
import type { BankTransactionsTable } from '../../db/schema.ts'
import type { PaymentState } from '../../onramp/payment-states.ts'
import { openCounterparty } from '../../onramp/refund-sources.ts'
import { compareNames, searchWordsOfPayer } from './name-agreement.ts'
import { hasOtherPurpose, readNearNumbers, readNumbers } from './numbers.ts'
import {
  ANY_NAME,
  digestOfWhole,
  digestOfWord,
  LATE_DAYS,
  nameOpenPayments,
  openName,
} from './payment-names.ts'
import { type AmountAgreement, type CandidateFacts, type Score, scoreCandidate } from './score.ts'

export type Line = Selectable<BankTransactionsTable>

/** A payment that a line may be for. */
export interface Candidate {
  paymentId: string
  integrationId: number
  customerId: number
  state: PaymentState
  /** Base units still to come. */
  leftUnits: bigint
  facts: CandidateFacts
}

export type ScoredCandidate = Score & { candidate: Candidate }

type Needs = Pick<App, 'db' | 'clock' | 'secrets'>

type NumberFacts = NonNullable<CandidateFacts['number']>

/** A line with what is looked for. */
interface Search {
  line: Line
  payerName: string
  /** Payments that it names, by their ids. */
  named: Map<string, NumberFacts>
  found: Set<string>
}

/** A round amount that so many are asked for tells nothing by itself. */
const FEW = 20
const MOST_NAMESAKES = 60
const MOST_OF_PAYER = 20
const OPEN_OR_LATE = sql`
  (payments.state in ('started', 'pending_bank', 'in_review')
   or (payments.state in ('expired', 'cancelled') and payments.updated_at > now.at - ${LATE_DAYS} * interval '1 day'))`

/**
 * For each line the payments of its account that it may be for, scored: those whose number it has, right or with a
 * mistake; those whose customer's name or account it has; those of its amount when they are few.
 */
export async function findCandidates(
  app: Needs,
  lines: readonly Line[],
): Promise<Map<string, ScoredCandidate[]>> {
  if (lines.length === 0) return new Map()
  await nameOpenPayments(app, [...new Set(lines.map(({ iban }) => iban))])
  const searches = lines.map(
    (line): Search => ({
      line,
      payerName: openCounterparty(app.secrets, line.counterpartySealed).name,
      named: new Map(),
      found: new Set(),
    }),
  )
  await findByNumber(app, searches)
  await findByName(app, searches)
  const payers = await findByAccount(app, searches)
  const rows = await loadPayments(app, searches)
  const counts = await countAmounts(app, lines)
  return new Map(
    searches.map((search) => [
      keyOf(search.line),
      [...search.found].flatMap((id) => {
        const row = rows.get(id)
        if (!row || row.fiat !== search.line.currency) return []
        const known = payers.get(keyOf(search.line)) ?? new Set()
        const facts = compare(search, row, { known, sameAmounts: counts.get(amountKey(search.line)) ?? 0 })
        const { paymentId, integrationId, customerId, state, leftUnits } = row
        const candidate = { paymentId, integrationId, customerId, state, leftUnits, facts }
        return [{ ...scoreCandidate(facts), candidate }]
      }),
    ]),
  )
}

export const keyOf = ({ iban, id }: Pick<Line, 'iban' | 'id'>): string => `${iban} ${id}`

const amountKey = ({ iban, units }: Pick<Line, 'iban' | 'units'>): string => `${iban} ${units}`

async function findByNumber({ db, clock }: Needs, searches: readonly Search[]): Promise<void> {
  const asked = searches.flatMap((search, place) => {
    const { concept, endToEndId } = search.line
    const right = readNumbers({ concept, endToEndId, payerName: search.payerName })
    const near = [...readNearNumbers(concept)].filter(([number]) => !right.has(number))
    return [
      ...[...right].map(([number, found]) => ({ place, number, how: { found } as NumberFacts })),
      ...near.map(([number, mistake]) => ({
        place,
        number,
        how: { found: 'mistake', mistake } as NumberFacts,
      })),
    ]
  })
  if (asked.length === 0) return
  const { rows } = await sql<{ at: number; paymentId: string }>`
    with now as (select ${clock.now()}::timestamptz as at)
    select given.at, payments.id as payment_id
      from now, unnest(${asked.map((_, at) => at)}::integer[],
                  ${asked.map(({ place }) => searches[place]!.line.iban)}::text[],
                  ${asked.map(({ number }) => number)}::bigint[],
                  ${asked.map(({ how }) => how.found !== 'mistake')}::boolean[]) given (at, iban, concept, is_right)
      join payment_concepts on payment_concepts.iban = given.iban and payment_concepts.concept = given.concept
      join payments on payments.id = payment_concepts.payment_id
     where is_right or ${OPEN_OR_LATE}`.execute(db)
  for (const { at, paymentId } of rows.sort((a, b) => a.at - b.at)) {
    const { place, how } = asked[at]!
    const { named, found } = searches[place]!
    if (!named.has(paymentId)) named.set(paymentId, how)
    found.add(paymentId)
  }
}

/** By a surname and the amount, by the whole name whatever the amount, or by the amount alone where few have it. */
async function findByName({ db, clock, secrets }: Needs, searches: readonly Search[]): Promise<void> {
  const asked = searches.flatMap(({ payerName, line }, place) => {
    const { words, whole } = searchWordsOfPayer(payerName)
    const ofAmount = (digest: Buffer, most: number) => ({ place, line, digest, units: line.units, most })
    return [
      ofAmount(ANY_NAME, FEW),
      ...words.map((word) => ofAmount(digestOfWord(secrets, word), MOST_NAMESAKES)),
      ...(whole === ''
        ? []
        : [{ place, line, digest: digestOfWhole(secrets, whole), units: null, most: FEW }]),
    ]
  })
  const { rows } = await sql<{ at: number; paymentIds: string[] }>`
    with now as (select ${clock.now()}::timestamptz as at)
    select given.at, hits.payment_ids
      from now, unnest(${asked.map((_, at) => at)}::integer[], ${asked.map(({ line }) => line.iban)}::text[],
                  ${asked.map(({ digest }) => digest)}::bytea[],
                  ${asked.map(({ units }) => units?.toString() ?? null)}::numeric[],
                  ${asked.map(({ most }) => most)}::integer[]) given (at, iban, digest, units, most),
           lateral (
             select array_agg(payment_id) as payment_ids from (
               select names.payment_id from payment_names names
                 join payments on payments.id = names.payment_id
                where names.iban = given.iban and names.digest = given.digest
                  and (given.units is null or names.units = given.units) and ${OPEN_OR_LATE}
                limit given.most + 1) found) hits
     where hits.payment_ids is not null`.execute(db)
  for (const { at, paymentIds } of rows) {
    const { place, most, digest } = asked[at]!
    // Too many have the amount: those among them that fit are found by their names.
    if (digest === ANY_NAME && paymentIds.length > most) continue
    for (const id of paymentIds) searches[place]!.found.add(id)
  }
}

/** By the account that pays. Answers the customers that each line's account paid for before. */
async function findByAccount(
  { db, clock }: Needs,
  searches: readonly Search[],
): Promise<Map<string, Set<string>>> {
  const asked = searches.filter(({ line }) => line.payerIndex !== null)
  const known = new Map<string, Set<string>>()
  if (asked.length === 0) return known
  const { rows } = await sql<{
    at: number
    integrationId: number
    customerId: string
    paymentIds: string[] | null
  }>`
    with now as (select ${clock.now()}::timestamptz as at)
    select given.at, known.integration_id, known.customer_id,
           (select array_agg(id) from (
             select payments.id from payments
              where payments.integration_id = known.integration_id
                and payments.customer_id = known.customer_id::bigint
                and payments.account_iban = given.iban and ${OPEN_OR_LATE}
              order by created_at desc limit ${MOST_OF_PAYER}) theirs) as payment_ids
      from now, unnest(${asked.map((_, at) => at)}::integer[], ${asked.map(({ line }) => line.iban)}::text[],
                  ${asked.map(({ line }) => line.payerIndex)}::bytea[]) given (at, iban, payer_index)
      join integrations on true
      join known_payers known on known.integration_id = integrations.id and known.payer_index = given.payer_index`.execute(
    db,
  )
  for (const { at, integrationId, customerId, paymentIds } of rows) {
    const { line, found } = asked[at]!
    const key = keyOf(line)
    known.set(key, (known.get(key) ?? new Set()).add(`${integrationId} ${customerId}`))
    for (const id of paymentIds ?? []) found.add(id)
  }
  return known
}

interface PaymentRow {
  paymentId: string
  integrationId: number
  customerId: number
  state: PaymentState
  fiat: string
  fiatUnits: bigint
  leftUnits: bigint
  iban: string
  /** `YYYY-MM-DD`: when the payer was told where to pay. */
  toldOn: string
  keyWrapped: Buffer | null
  personalSealed: Buffer
}

type NamedRow = Omit<PaymentRow, 'keyWrapped' | 'personalSealed'> & { name: ReturnType<typeof openName> }

async function loadPayments(
  { db, secrets }: Needs,
  searches: readonly Search[],
): Promise<Map<string, NamedRow>> {
  const ids = [...new Set(searches.flatMap(({ found }) => [...found]))]
  if (ids.length === 0) return new Map()
  const { rows } = await sql<PaymentRow>`
    select payments.id as payment_id, payments.integration_id, payments.customer_id, state, fiat, fiat_units,
           fiat_units - received_units + refunded_units as left_units, account_iban as iban,
           ((coalesce(concepts.created_at, payments.created_at) at time zone 'UTC')::date)::text as told_on,
           key_wrapped, personal_sealed
      from payments
      join customers on customers.integration_id = payments.integration_id and customers.id = payments.customer_id
      left join payment_concepts concepts on concepts.iban = account_iban and concepts.concept = payments.concept
     where payments.id = any(${ids}::text[])`.execute(db)
  return new Map(
    rows.map(({ keyWrapped, personalSealed, ...row }) => [
      row.paymentId,
      { ...row, name: openName(secrets, keyWrapped, personalSealed) },
    ]),
  )
}

/** How many open payments of an account are for so much. */
async function countAmounts({ db }: Needs, lines: readonly Line[]): Promise<Map<string, number>> {
  const asked = new Map(lines.map((line) => [amountKey(line), line]))
  const { rows } = await sql<{ iban: string; units: bigint; count: number }>`
    select given.iban, given.units, hits.count
      from unnest(${[...asked.values()].map(({ iban }) => iban)}::text[],
                  ${[...asked.values()].map(({ units }) => units.toString())}::numeric[]) given (iban, units),
           lateral (select count(*)::integer as count from (
             select 1 from payment_names names
              where names.iban = given.iban and names.digest = ${ANY_NAME} and names.units = given.units
              limit 2) found) hits`.execute(db)
  return new Map(rows.map((row) => [amountKey(row), row.count]))
}

function compare(
  { line, payerName, named }: Search,
  row: NamedRow,
  { known, sameAmounts }: { known: ReadonlySet<string>; sameAmounts: number },
): CandidateFacts {
  const isKnown = known.has(`${row.integrationId} ${row.customerId}`)
  const number = named.get(row.paymentId) ?? null
  const isRight = ({ found }: NumberFacts): boolean => found !== 'mistake'
  return {
    number,
    namesAnother: !(number && isRight(number)) && [...named.values()].some(isRight),
    otherPurpose: number === null && hasOtherPurpose(line.concept),
    amount: compareAmounts(line.units, row, sameAmounts),
    name: compareNames(row.name, payerName),
    account: isKnown ? 'known' : known.size > 0 ? 'of_others' : 'new',
    state: row.state,
    bookedBefore: line.bookedOn < row.toldOn,
  }
}

function compareAmounts(
  units: bigint,
  { leftUnits, fiatUnits, state }: Pick<NamedRow, 'leftUnits' | 'fiatUnits' | 'state'>,
  sameAmounts: number,
): AmountAgreement {
  // Whoever pays twice pays what was asked once more.
  const hasAll = state === 'payment_received' || state === 'coins_sent'
  if (units === leftUnits || (hasAll && units === fiatUnits)) {
    return sameAmounts <= 1 && units === fiatUnits ? 'only' : 'same'
  }
  return units < leftUnits ? 'less' : 'more'
}
