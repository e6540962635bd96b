import type { Trx } from '../db/database.ts'
import { randomText } from '../kernel/ids.ts'
import { ProviderError } from '../providers/provider-error.ts'
import { endEffects } from './end-effects.ts'
import type { EffectNeeds } from './model.ts'
import { findPayoutPort, type PayoutProgress } from './payout-ports.ts'
import {
  type ClaimedPayout,
  claimPayouts,
  lockClaimed,
  recordPayout,
  setProviderRef,
  takeBackOutflow,
} from './payout-store.ts'
import { isOrdinary, type OrdinaryAnswer, recordOrdinary } from './record-answers.ts'

const AT_ONCE = 50
/** Pauses between the first looks at an order that isn't over, or tries to reach the provider. */
const AGAIN_MS = [1_000, 2_000, 5_000, 15_000, 60_000, 300_000, 1_800_000] as const
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Of these pauses, so many are left out for an order that the provider has. */
const UNTOLD = 2
/** Attempts after which an order has been asked about for a day. */
export const ASKED_FOR_A_DAY = 30
/** So often in a row the provider could not say what became of an order: a person has to find out. */
const MOST_UNKNOWN = 40
/** When a transfer that the bank found no money for is tried again. */
const SHORT_MS = 60_000

/**
 * Moves due bank transfers and card refunds one step: ordered, or asked about. An order whose end is unknown is never
 * sent again before the provider was asked. Answers how many were moved.
 */
export async function movePayouts(needs: EffectNeeds): Promise<number> {
  const { dailyCapUnits } = needs.settings
  const asked = { now: needs.clock.now(), limit: AT_ONCE, dailyCapUnits }
  const { claimed, waiting } = await claimPayouts(needs.db, asked, needs.secrets)
  const answered: Answer[] = []
  let isRecording = false
  // What came back while others were recorded is recorded together; nobody waits for an order that hangs.
  const record = async (): Promise<void> => {
    if (isRecording) return
    isRecording = true
    try {
      while (answered.length > 0) await recordAnswers(needs, answered.splice(0))
    } finally {
      isRecording = false
    }
  }
  await Promise.all(
    claimed.map(async (payout) => {
      answered.push({ payout, outcome: await ask(needs, payout).catch(asOutcome) })
      await record()
    }),
  )
  return claimed.length + waiting
}

interface Answer {
  payout: ClaimedPayout
  outcome: PayoutProgress | undefined | ProviderError
}

function asOutcome(error: unknown): ProviderError {
  if (error instanceof ProviderError) return error
  throw error
}

async function recordAnswers(needs: EffectNeeds, answers: readonly Answer[]): Promise<void> {
  const ordinary: OrdinaryAnswer[] = []
  const others: (() => Promise<void>)[] = []
  for (const { payout, outcome } of answers) {
    if (outcome instanceof ProviderError)
      others.push(() => recordOther(needs, payout, (trx) => recordFailure(trx, needs, payout, outcome)))
    else if (outcome && isOrdinary(outcome)) ordinary.push({ payout, progress: outcome })
    else
      others.push(() =>
        recordOther(needs, payout, (trx) =>
          recordEnd(trx, needs, payout, outcome as PayoutProgress<'refused' | 'returned'> | undefined),
        ),
      )
  }
  const now = needs.clock.now()
  // Providers tell when it is done; what they were to tell and did not is asked for.
  const dueAt = (attempts: number): Date => again(now, attempts + UNTOLD)
  needs.wake(...(await recordOrdinary(needs, ordinary, dueAt)))
  for (const record of others) await record()
}

async function recordOther(
  needs: EffectNeeds,
  payout: ClaimedPayout,
  record: (trx: Trx) => Promise<string[]>,
): Promise<void> {
  const lanes = await needs.db
    .transaction()
    .execute(async (trx) => ((await lockClaimed(trx, payout)) ? record(trx) : []))
  needs.wake(...lanes)
}

/** Undefined: the provider knows nothing of an order that was accepted before. */
async function ask(needs: EffectNeeds, payout: ClaimedPayout): Promise<PayoutProgress | undefined> {
  const port = findPayoutPort(needs, payout.door)
  if (!port) {
    const outcome = payout.was === 'planned' ? 'not_sent' : 'unknown'
    throw new ProviderError(payout.door, outcome, 'no provider is configured for this door')
  }
  if (payout.was === 'planned') return port.send(payout)
  // Only asking may follow an unknown end; what is sent after the provider knew nothing has the same key.
  const found = await findOrder(port.find(payout))
  return found ?? (payout.was === 'sent' ? undefined : port.send(payout))
}

/** Whatever became of a question, the order itself is as unknown as before. */
async function findOrder(question: Promise<PayoutProgress | undefined>): Promise<PayoutProgress | undefined> {
  try {
    return await question
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    throw new ProviderError(error.provider, 'unknown', error.message, { code: error.code, cause: error })
  }
}

async function recordEnd(
  trx: Trx,
  needs: EffectNeeds,
  payout: ClaimedPayout,
  progress: PayoutProgress<'refused' | 'returned'> | undefined,
): Promise<string[]> {
  const { id } = payout
  const now = needs.clock.now()
  switch (progress?.state) {
    case 'returned':
      // The money is the room's again when the bank's line of it is read; until then nobody may send it anew.
      await recordPayout(
        trx,
        id,
        {
          state: 'sent',
          reason: progress.reason,
          providerRef: progress.providerRef,
          attempts: payout.attempts + 1,
          dueAt: again(now, payout.attempts + 1),
        },
        now,
      )
      return []
    case 'refused':
      await setProviderRef(trx, id, progress.providerRef)
      await takeBackOutflow(trx, id)
      return endEffects(trx, needs, [
        { id, state: 'failed', txid: null, reason: progress.reason, gasUnits: null },
      ])
    case undefined: {
      const reason = 'the provider does not know the order that it accepted'
      return recordUnknown(trx, needs, payout, reason)
    }
  }
}

async function recordFailure(
  trx: Trx,
  needs: EffectNeeds,
  payout: ClaimedPayout,
  error: ProviderError,
): Promise<string[]> {
  const now = needs.clock.now()
  const isOut = error.outcome === 'unknown' || (error.outcome === 'not_sent' && payout.was !== 'planned')
  if (!isOut) await takeBackOutflow(trx, payout.id)
  if (error.outcome === 'rejected' && error.code === NO_MONEY) return waitForMoney(trx, payout, error, now)
  switch (error.outcome) {
    case 'rejected':
      return endEffects(trx, needs, [
        { id: payout.id, state: 'failed', txid: null, reason: error.message, gasUnits: null },
      ])
    case 'not_sent': {
      // One that was ordered before, and not known by the provider yet, may still come to it.
      if (payout.was !== 'planned') return recordUnknown(trx, needs, payout, error.message)
      const attempts = payout.attempts + 1
      // Known never to have left: it may still be cancelled, and begins again.
      await recordPayout(
        trx,
        payout.id,
        { state: 'planned', reason: error.message, attempts, dueAt: again(now, attempts) },
        now,
      )
      return []
    }
    case 'unknown':
      return recordUnknown(trx, needs, payout, error.message)
  }
}

/** The bank's code for an account without enough money: what it holds is not always what its statement says. */
const NO_MONEY = 'AM04'

/** Nothing left, and the payee is not to blame: it goes when there is money, under a new key, as the old one was refused. */
async function waitForMoney(
  trx: Trx,
  { id }: ClaimedPayout,
  error: ProviderError,
  now: Date,
): Promise<string[]> {
  const change = {
    state: 'planned' as const,
    reason: `funds_short: ${error.message}`,
    idempotencyKey: randomText(25),
    attempts: 0,
    dueAt: new Date(now.getTime() + SHORT_MS),
  }
  await recordPayout(trx, id, change, now)
  return []
}

async function recordUnknown(
  trx: Trx,
  needs: EffectNeeds,
  payout: ClaimedPayout,
  reason: string,
): Promise<string[]> {
  const now = needs.clock.now()
  const attempts = payout.attempts + 1
  const dueAt = attempts < MOST_UNKNOWN ? again(now, attempts) : null
  // An accepted order stays accepted while the provider can't be asked.
  const state = payout.was === 'sent' ? 'sent' : 'unknown'
  await recordPayout(trx, payout.id, { state, reason, attempts, dueAt }, now)
  return []
}

/**
 * Later pauses last to the next full hour, and after a day of those to the next day: orders that hang are then asked
 * about together, and months of them cost little. News of an order, or its line, has it asked about at once.
 */
export function again(now: Date, attempts: number): Date {
  const pauseMs = AGAIN_MS[attempts]
  if (pauseMs !== undefined) return new Date(now.getTime() + pauseMs)
  const stepMs = attempts < ASKED_FOR_A_DAY ? HOUR_MS : DAY_MS
  return new Date((Math.floor(now.getTime() / stepMs) + 1) * stepMs)
}
