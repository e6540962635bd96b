import type { App } from '../app.ts'
import { recheckPayouts } from '../effects/payout-store.ts'
import type { BankLine, BankNotification, NotifiedLine } from '../providers/bank/port.ts'
import type { CallbackHandler } from '../providers/callbacks/lane.ts'
import { recordBankLines } from './record-lines.ts'
import { hurryStatements, STATEMENT_LANE } from './statement-lane.ts'

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'wake' | 'log' | 'pageNews'>

/**
 * What the bank tells of lines on our accounts, and of our own transfers, which the effects then ask about. A transfer
 * that came back ends by its line on the statement, which is read now: a confirmed one nobody asks about any more.
 */
export function bankCallbacks(app: Needs): CallbackHandler {
  return async (callbacks) => {
    const booked = callbacks.flatMap(({ id, payload }) => {
      const notification = payload as BankNotification
      return notification.type === 'line.booked' ? [{ id, line: readLine(notification.line) }] : []
    })
    const ordered = callbacks.flatMap(({ payload }) => {
      const notification = payload as BankNotification
      return notification.type === 'line.booked' ? [] : [notification]
    })
    if (ordered.length > 0) {
      const now = app.clock.now()
      await recheckPayouts(
        app.db,
        ordered.map(({ idempotencyKey }) => idempotencyKey),
        now,
      )
      const back = ordered.filter(({ type }) => type === 'transfer.returned').map(({ iban }) => iban)
      if (back.length > 0) await hurryStatements(app.db, [...new Set(back)].sort(), now)
      app.wake('payouts', ...(back.length > 0 ? [STATEMENT_LANE] : []))
    }
    if (booked.length === 0) return []
    const unknown = await recordBankLines(
      app,
      booked.map(({ line }) => line),
    )
    return booked
      .filter(({ line }) => unknown.has(line.iban))
      .map(({ id, line }) => ({ id, reason: `We have no account ${line.iban}.` }))
  }
}

function readLine(line: NotifiedLine): BankLine {
  return {
    ...line,
    bookedAt: new Date(line.bookedAt),
    units: BigInt(line.units),
    balanceUnits: BigInt(line.balanceUnits),
  }
}
