import { sql } from 'kysely'
import type { App } from '../../app.ts'
import { recordAudit } from '../../common/integration-store.ts'
import type { Trx } from '../../db/database.ts'
import { type Change, RefusedOperation } from '../../effects/operate-effects.ts'
import { describeReason } from '../../providers/bank/reasons.ts'
import { lookAtEffects } from './look-at-effects.ts'
import { type BankAnswer, type BankStatus, readBankAnswers } from './read-answer.ts'

type Needs = Pick<App, 'db' | 'clock' | 'wake'>

/** What an answer changed. */
export interface TakenAnswer {
  fileId: string
  messageId: string
  /** What the bank says of the whole file, such as `PART`; null when it says none. */
  status: string | null
  /** Orders refused by this answer, with the bank's words. */
  rejected: { endToEndId: string; reason: string }[]
  /** Orders of the file that it accepts, or leaves undecided: the statement tells when they are booked. */
  standing: number
  /** Orders that it refuses though the statement has them booked: a person asks the bank. */
  contradicted: string[]
  /** Orders that it accepts though an answer refused them: nothing may be sent in their place before the bank was asked. */
  revived: string[]
}

/**
 * Takes a bank's answer to files of orders in, all or nothing; the same again changes nothing. An order that is
 * refused ends as refused and is never sent again by itself. Throws `StatementError` for what can't be read and
 * `RefusedOperation` for an answer to no file, or about no order, of ours.
 */
export async function takeAnswer(
  app: Needs,
  bytes: AsyncIterable<Uint8Array>,
  change: Change,
): Promise<TakenAnswer[]> {
  const answers = await readBankAnswers(bytes)
  const taken = await app.db.transaction().execute(async (trx) => {
    const all: TakenAnswer[] = []
    for (const answer of answers) all.push(await takeOne(trx, answer, change, app.clock.now()))
    return all
  })
  if (taken.some(({ rejected }) => rejected.length > 0)) app.wake('payouts')
  return taken
}

async function takeOne(trx: Trx, answer: BankAnswer, { who, why }: Change, now: Date): Promise<TakenAnswer> {
  const { messageId, group } = answer
  const file = await trx
    .selectFrom('orderFiles')
    .select('id')
    .where('messageId', '=', messageId)
    .forUpdate()
    .executeTakeFirst()
  if (!file) throw new RefusedOperation(`It answers ${messageId}, which is no file of ours.`)
  const orders = await trx
    .selectFrom('fileOrders')
    .select(['idempotencyKey', 'state'])
    .where('fileId', '=', file.id)
    .orderBy('idempotencyKey')
    .forUpdate()
    .execute()
  refuseStrangers(
    answer,
    orders.map(({ idempotencyKey }) => idempotencyKey),
  )
  const refused = orders.flatMap(({ idempotencyKey, state }) => {
    const status = statusOf(answer, idempotencyKey)
    return status?.verdict === 'rejected' ? [{ endToEndId: idempotencyKey, state, status }] : []
  })
  const fresh = refused.filter(({ state }) => state === 'accepted')
  await sql`
    update file_orders o set state = 'rejected', reason = given.reason, reason_text = given.reason_text, updated_at = ${now}
      from unnest(${fresh.map(({ endToEndId }) => endToEndId)}::text[],
                  ${fresh.map(({ status }) => status.reason)}::text[],
                  ${fresh.map(({ status }) => status.reasonText)}::text[]) given (key, reason, reason_text)
     where o.idempotency_key = given.key`.execute(trx)
  await lookAtEffects(
    trx,
    fresh.map(({ endToEndId }) => endToEndId),
    now,
  )
  await trx
    .updateTable('orderFiles')
    .set({ answer: group ? describe(group) : `${answer.orders.size} orders answered` })
    .where('id', '=', file.id)
    .execute()
  await recordAudit(trx, now, {
    who,
    why,
    action: 'order-file.answer',
    target: `order-file:${file.id}`,
    after: { status: group?.code ?? null, rejected: fresh.map(({ endToEndId }) => endToEndId) },
  })
  return {
    fileId: file.id,
    messageId,
    status: group?.code ?? null,
    rejected: fresh.map(({ endToEndId, status }) => ({ endToEndId, reason: describe(status) })),
    standing: orders.length - refused.length,
    contradicted: refused
      .filter(({ state }) => state === 'booked' || state === 'returned')
      .map(({ endToEndId }) => endToEndId),
    revived: orders
      .filter(({ idempotencyKey, state }) => state === 'rejected' && accepts(answer, idempotencyKey))
      .map(({ idempotencyKey }) => idempotencyKey),
  }
}

/** By a word of the order's own: one on the whole file may be older than the order's refusal. */
const accepts = ({ orders }: BankAnswer, endToEndId: string): boolean =>
  orders.get(endToEndId)?.verdict === 'accepted'

const describe = ({ code, reason, reasonText }: BankStatus): string =>
  reason || reasonText ? `${code}: ${describeReason(reason, reasonText)}` : code

/** The closest word counts: of the order, else of its group, else of the file. Where it has no reason, the next one's that says the same. */
function statusOf({ orders, payments, group, messageId }: BankAnswer, endToEndId: string): BankStatus | null {
  const told = [orders.get(endToEndId), payments.get(`${messageId}-1`), group].filter((one) => one != null)
  const [closest] = told
  if (!closest) return null
  const reasoned = told.find((one) => one.verdict === closest.verdict && (one.reason || one.reasonText))
  return { ...closest, reason: reasoned?.reason ?? null, reasonText: reasoned?.reasonText ?? null }
}

function refuseStrangers({ messageId, orders, payments }: BankAnswer, own: readonly string[]): void {
  const known = new Set(own)
  const strange =
    [...orders.keys()].find((id) => !known.has(id)) ??
    [...payments.keys()].find((id) => id !== `${messageId}-1`)
  if (strange === undefined) return
  throw new RefusedOperation(`It tells of ${strange}, which is in no file ${messageId} of ours.`)
}
