import { sql } from 'kysely'
import type { App } from '../../app.ts'
import type { Trx } from '../../db/database.ts'
import { openCounterparty } from '../../onramp/refund-sources.ts'
import { payersReference, plain } from '../compare-words.ts'

/** Without a reference, a credit is looked for among those of so many days before. */
const DAYS = 90

/** A debit by which the bank takes a credit back. */
export interface Reversal {
  iban: string
  id: string
  units: bigint
  currency: string
  bookedOn: string
  /** The references by which it may name the credit. */
  reversalRefs: readonly string[]
  payerIndex: Buffer | null
  counterpartySealed: Buffer
  concept: string
  endToEndId: string | null
}

type Words = Pick<Reversal, 'payerIndex' | 'counterpartySealed' | 'concept' | 'endToEndId'>

interface Candidate extends Words {
  id: string
}

/**
 * The credit that a debit takes back: of the same account, currency and amount, and not taken back yet. It is the one
 * that the bank's reference names; where several have it, one of the same payer and text, and the money that nobody has
 * before what somebody has. Where the reference is no credit's, it is the only one of the same payer and text. Answers
 * its id.
 */
export async function findReversed(
  app: Pick<App, 'secrets'>,
  trx: Trx,
  reversal: Reversal,
): Promise<string | undefined> {
  const named = await loadNamed(trx, reversal)
  const [best] = named.filter((one) => areAlike(app, reversal, one)).concat(named)
  if (best) return best.id
  const alike = (await loadNear(trx, reversal)).filter((one) => areAlike(app, reversal, one))
  return alike.length === 1 ? alike[0]!.id : undefined
}

/** A credit `t` that nobody took back, is no transfer of ours, and is no sum beside its transfers. */
const IS_OPEN = sql`
  t.direction = 'credit' and t.state <> 'divided' and t.transfer_ref is null
  and not exists (select from bank_transactions r where r.iban = t.iban and r.reverses = t.id)`

const WORDS = sql`t.id, t.payer_index, t.counterparty_sealed, t.concept, t.end_to_end_id`

async function loadNamed(
  trx: Trx,
  { iban, units, currency, reversalRefs }: Reversal,
): Promise<readonly Candidate[]> {
  if (reversalRefs.length === 0) return []
  const refs = sql`any(${[...reversalRefs]}::text[])`
  const { rows } = await sql<Candidate>`
    select ${WORDS} from bank_transactions t
     where t.iban = ${iban} and t.units = ${units.toString()}::numeric and t.currency = ${currency} and ${IS_OPEN}
       and t.id in (select transaction_id from statement_lines where iban = ${iban} and ref = ${refs}
                    union select transaction_id from bank_line_refs where iban = ${iban} and ref = ${refs}
                    union select id from bank_transactions where iban = ${iban} and bank_ref = ${refs})
     order by t.matched_units > 0, t.booked_at desc, t.id`.execute(trx)
  return rows
}

async function loadNear(
  trx: Trx,
  { iban, units, currency, bookedOn }: Reversal,
): Promise<readonly Candidate[]> {
  const { rows } = await sql<Candidate>`
    select ${WORDS} from bank_transactions t
     where t.iban = ${iban} and t.units = ${units.toString()}::numeric and t.currency = ${currency} and ${IS_OPEN}
       and t.booked_on between ${bookedOn}::date - ${DAYS}::integer and ${bookedOn}::date`.execute(trx)
  return rows
}

/** The same payer, and the same text or the same reference of the payer's. */
function areAlike({ secrets }: Pick<App, 'secrets'>, one: Words, other: Words): boolean {
  if (one.payerIndex !== null && other.payerIndex !== null) {
    if (!one.payerIndex.equals(other.payerIndex)) return false
  } else {
    const name = plain(openCounterparty(secrets, one.counterpartySealed).name)
    if (name === '' || name !== plain(openCounterparty(secrets, other.counterpartySealed).name)) return false
  }
  const text = plain(one.concept)
  if (text !== '' && text === plain(other.concept)) return true
  const reference = payersReference(one.endToEndId)
  return reference !== null && reference === payersReference(other.endToEndId)
}
