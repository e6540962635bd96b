import { newSecret } from '../kernel/ids.ts'
import { sha256 } from '../kernel/secrets.ts'
import { askAll } from '../onramp/end-sessions.ts'
import type { Payment } from '../onramp/payment.ts'
import { beginChanges, setFields, wakeAfter, writeChanges } from '../onramp/payment-changes.ts'
import { findPaymentById, lockPayments } from '../onramp/payment-store.ts'
import { applySessionNews } from '../onramp/session-news.ts'
import { isLive, loadSessions } from '../onramp/session-store.ts'
import type { ApiRequest } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { type Browser, changeAsOwner, type PageNeeds } from './payment-guard.ts'
import { isOwner, makeOwner } from './payment-owner.ts'
import { notFound } from './payment-scene.ts'

/** How long a hand-over link works. */
const HANDOVER_MS = 10 * 60_000

/** Makes the first browser that opens the page its owner, or the one that brings a hand-over code. */
export async function openPayment(
  app: PageNeeds,
  browser: Pick<ApiRequest, 'cookies' | 'setHeader'>,
  id: string,
  handover: string | undefined,
): Promise<'owner' | 'viewer'> {
  const found = (await findPaymentById(app.db, id)) ?? notFound()
  const returned = isOwner(browser, found)
  if (returned && handover === undefined) {
    await askAfterReturn(app, found)
    return 'owner'
  }
  if (handover === undefined && !isFree(found)) return 'viewer'
  const changes = beginChanges(app)
  const access = await app.db.transaction().execute(async (trx) => {
    const payment = (await lockPayments(trx, [id])).get(id) ?? notFound()
    if (handover !== undefined) refuseHandover(payment, handover, changes.now)
    else if (!isFree(payment)) return 'viewer'
    setFields(changes, payment, {
      browserHash: makeOwner(app, browser, id),
      handoverHash: null,
      handoverExpiresAt: null,
    })
    await writeChanges(trx, changes)
    return 'owner' as const
  })
  wakeAfter(app, changes)
  return access
}

/**
 * Nobody has it yet, and there is still something to be done on the page. One that was created without our page is its
 * gateway token's: the payment's id is no secret.
 */
const isFree = ({ browserHash, guided, state }: Payment): boolean =>
  guided && browserHash === null && (state === 'started' || state === 'pending_bank')

function refuseHandover({ handoverHash, handoverExpiresAt }: Payment, code: string, now: Date): void {
  const fits = handoverHash?.equals(sha256(code)) && handoverExpiresAt !== null && handoverExpiresAt > now
  if (!fits) fail('handover_expired', 'This hand-over link was used, or its time is over. Make a new one.')
}

/**
 * The customer may be back from a provider's page: the provider is asked at once, so that the page need not wait for
 * its notification. One that doesn't answer leaves the page waiting for the notification.
 */
async function askAfterReturn(app: PageNeeds, payment: Payment): Promise<void> {
  if (payment.state !== 'started') return
  const open = (await loadSessions(app.db, [payment.id])).filter(
    (session) => isLive(session) && session.url !== null,
  )
  if (open.length === 0) return
  const { news, unanswered } = await askAll(app, open, 'look')
  await applySessionNews(app, news)
  const now = app.clock.now()
  for (const { id } of open) {
    const returnedAt = unanswered.some((session) => session.id === id) ? now : null
    await app.db.updateTable('paymentSessions').set({ returnedAt }).where('id', '=', id).execute()
  }
}

export async function handOver(
  app: PageNeeds,
  browser: Browser,
  id: string,
): Promise<{ code: string; expiresAt: Date }> {
  const code = newSecret()
  const expiresAt = new Date(app.clock.now().getTime() + HANDOVER_MS)
  await changeAsOwner(app, browser, id, 'hand_over', (_trx, changes, payment) =>
    setFields(changes, payment, { handoverHash: sha256(code), handoverExpiresAt: expiresAt }),
  )
  return { code, expiresAt }
}
