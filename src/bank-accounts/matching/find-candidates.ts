import { type RawBuilder, type Selectable, sql } from 'kysely'
import type { App } from '../../app.ts'
import type { BankTransactionsTable } from '../../db/schema.ts'
import type { PaymentState } from '../../onramp/payment-states.ts'
import { openCounterparty } from '../../onramp/refund-sources.ts'
import type { CustomerName } from '../same-person.ts'
import { amountKey, countAmounts, loadPayments, type NamedRow } from './load-payments.ts'
import { compareNames, keysOfPayer, type NameAgreement, type PayerName, readPayer } from './name-agreement.ts'
import { hasOtherPurpose, readNearNumbers, readNumbers } from './numbers.ts'
import { ANY_NAME, digestOfPair, digestOfWhole, LATE_DAYS, nameOpenPayments } from './payment-names.ts'
import {
  type AmountAgreement,
  AUTOMATIC_FROM,
  type CandidateFacts,
  lifeOf,
  type Score,
  scoreCandidate,
} from './score.ts'

/** What is asked of a line that is to be matched. */
const LINE = [
  'iban',
  'id',
  'bookedAt',
  'bookedOn',
  'units',
  'matchedUnits',
  'currency',
  'counterpartySealed',
  'payerIndex',
  'concept',
  'endToEndId',
  'transferRef',
  'returnCode',
  'dueAt',
] as const satisfies readonly (keyof BankTransactionsTable)[]
export type Line = Pick<Selectable<BankTransactionsTable>, (typeof LINE)[number]>

/** Of `bank_transactions lines`. */
export const LINE_COLUMNS = sql.join(LINE.map((column) => sql.ref(`lines.${column}`)))

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
  payer: PayerName
  /** Payments that it names, by their ids. */
  named: Map<string, NumberFacts>
  found: Set<string>
  /** How the payer's name stands to those that it was compared with. */
  agreements: Map<CustomerName | null, NameAgreement>
}

/** A round amount that so many are asked for tells nothing by itself. */
const FEW = 10
const MOST_NAMESAKES = 20
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
      payer: readPayer(openCounterparty(app.secrets, line.counterpartySealed).name),
      named: new Map(),
      found: new Set(),
      agreements: new Map(),
    }),
  )
  await findByNumber(app, searches)
  const rows = await loadPayments(app, idsOf(searches), new Map())
  const counts = await countAmounts(app, lines)
  const named = new Map(
    searches.map((search) => [search, score(search, { rows, counts, payers: new Map() })]),
  )
  // A right number that is enough by itself: nobody else is a match then, whoever pays.
  const isSure = ({ score, candidate }: ScoredCandidate): boolean =>
    score >= AUTOMATIC_FROM && isRight(candidate.facts.number)
  const open = searches.filter((search) => !named.get(search)!.some(isSure))
  await findByName(app, open)
  const payers = await findByAccount(app, open)
  const all = await loadPayments(app, idsOf(open), rows)
  for (const search of open) named.set(search, score(search, { rows: all, counts, payers }))
  return new Map(searches.map((search) => [keyOf(search.line), named.get(search)!]))
}

const idsOf = (searches: readonly Search[]): string[] => searches.flatMap(({ found }) => [...found])

/** Whether a payment's number stands there without a mistake. */
export const isRight = (number: CandidateFacts['number']): boolean =>
  number !== null && number.found !== 'mistake'

interface Known {
  rows: ReadonlyMap<string, NamedRow>
  counts: ReadonlyMap<string, number>
  payers: ReadonlyMap<string, ReadonlySet<string>>
}

function score(search: Search, { rows, counts, payers }: Known): ScoredCandidate[] {
  const known = payers.get(keyOf(search.line)) ?? new Set<string>()
  const sameAmounts = counts.get(amountKey(search.line)) ?? 0
  return [...search.found].flatMap((id) => {
    const row = rows.get(id)
    if (!row || row.fiat !== search.line.currency) return []
    const facts = compare(search, row, { known, sameAmounts })
    const { paymentId, integrationId, customerId, state, leftUnits } = row
    const candidate = { paymentId, integrationId, customerId, state, leftUnits, facts }
    return [{ ...scoreCandidate(facts), candidate }]
  })
}

export const keyOf = ({ iban, id }: Pick<Line, 'iban' | 'id'>): string => `${iban} ${id}`

async function findByNumber({ db, clock }: Needs, searches: readonly Search[]): Promise<void> {
  const asked = searches.flatMap((search, place) => {
    const { concept, endToEndId } = search.line
    const right = readNumbers({ concept, endToEndId, payerName: search.payer.text })
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

interface AskedName {
  search: Search
  digest: Buffer
  most: number
}

/** By a given name, a surname and the amount, by the whole name whatever the amount, or by the amount alone where few have it. */
async function findByName(app: Needs, searches: readonly Search[]): Promise<void> {
  const named = searches.map((search) => ({ search, ...keysOfPayer(search.payer.text) }))
  const ofAmount = named.flatMap(({ search, pairs }): AskedName[] => [
    { search, digest: ANY_NAME, most: FEW },
    ...pairs.map((pair) => ({ search, digest: digestOfPair(app.secrets, pair), most: MOST_NAMESAKES })),
  ])
  const ofAnyAmount = named.flatMap(({ search, whole }): AskedName[] =>
    whole === '' ? [] : [{ search, digest: digestOfWhole(app.secrets, whole), most: FEW }],
  )
  await lookUpNames(app, ofAmount, sql`and names.units = given.units`)
  await lookUpNames(app, ofAnyAmount, sql``)
}

async function lookUpNames(
  { db, clock }: Needs,
  asked: readonly AskedName[],
  andUnits: RawBuilder<unknown>,
): Promise<void> {
  if (asked.length === 0) return
  const { rows } = await sql<{ at: number; paymentIds: string[] }>`
    with now as (select ${clock.now()}::timestamptz as at)
    select given.at, hits.payment_ids
      from now, unnest(${asked.map((_, at) => at)}::integer[],
                  ${asked.map(({ search }) => search.line.iban)}::text[],
                  ${asked.map(({ digest }) => digest)}::bytea[],
                  ${asked.map(({ search }) => search.line.units.toString())}::numeric[],
                  ${asked.map(({ most }) => most)}::integer[]) given (at, iban, digest, units, most),
           lateral (
             select array_agg(payment_id) as payment_ids from (
               select names.payment_id from payment_names names
                 join payments on payments.id = names.payment_id
                where names.iban = given.iban and names.digest = given.digest ${andUnits} and ${OPEN_OR_LATE}
                limit given.most + 1) found) hits
     where hits.payment_ids is not null`.execute(db)
  for (const { at, paymentIds } of rows) {
    const { search, most, digest } = asked[at]!
    // Too many have the amount: those among them that fit are found by their names.
    if (digest === ANY_NAME && paymentIds.length > most) continue
    for (const id of paymentIds) search.found.add(id)
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

function agreementOf({ payer, agreements }: Search, customer: CustomerName | null): NameAgreement {
  const known = agreements.get(customer)
  if (known !== undefined) return known
  const agreement = compareNames(customer, payer)
  agreements.set(customer, agreement)
  return agreement
}

function compare(
  search: Search,
  row: NamedRow,
  { known, sameAmounts }: { known: ReadonlySet<string>; sameAmounts: number },
): CandidateFacts {
  const { line, named } = search
  const isKnown = known.has(`${row.integrationId} ${row.customerId}`)
  const number = named.get(row.paymentId) ?? null
  const namesAnother = [...named].some(([id, how]) => id !== row.paymentId && isRight(how))
  return {
    number,
    namesAnother,
    otherPurpose: number === null && hasOtherPurpose(line.concept, { namesAnother }),
    amount: compareAmounts(line.units, row, sameAmounts),
    askedBefore: isAskedBefore(line.units, row),
    name: agreementOf(search, row.name),
    account: isKnown ? 'known' : known.size > 0 ? 'of_others' : 'new',
    state: row.state,
    bookedBefore: line.bookedOn < row.toldOn,
  }
}

/** Whether so much was asked for in all, and something came for it before: it is no rest. */
export const isAskedBefore = (
  units: bigint,
  { leftUnits, fiatUnits, state }: Pick<NamedRow, 'leftUnits' | 'fiatUnits' | 'state'>,
): boolean => units === fiatUnits && (leftUnits !== fiatUnits || lifeOf(state) === 'paid')

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
