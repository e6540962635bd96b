import type { App } from '../app.ts'
import { beginChanges, moveToReview, setFields, wakeAfter, writeChanges } from './payment-changes.ts'
import { cancelCoins, isUndispatched, lockCoins } from './payment-effects.ts'
import { lockPayments } from './payment-store.ts'

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'wake' | 'log' | 'pageNews'>

/**
 * A payment whose coins have not been dispatched in time goes before a person, and its transfer is given up, so that
 * it doesn't leave while somebody decides. One that is on its way is waited for.
 */
export async function reviewUndispatched(app: Needs, paymentId: string): Promise<void> {
  const changes = beginChanges(app)
  await app.db.transaction().execute(async (trx) => {
    const coins = await lockCoins(trx, paymentId)
    const payment = (await lockPayments(trx, [paymentId])).get(paymentId)
    if (payment?.state !== 'payment_received' || payment.dueAt === null || payment.dueAt > changes.now) return
    if (coins && isUndispatched(coins)) {
      await cancelCoins(trx, coins, changes.now)
      moveToReview(changes, payment, 'not_dispatched')
    } else {
      app.log.error({ paymentId, effect: coins }, 'Coins have been on their way for too long.')
      const deadline = new Date(changes.now.getTime() + app.config.durations.dispatchDeadlineMs)
      setFields(changes, payment, { dueAt: deadline, expiresAt: deadline })
    }
    await writeChanges(trx, changes)
  })
  wakeAfter(app, changes)
}
