import type { App } from '../app.ts'
import type { BankLine, BankNotification, NotifiedLine } from '../providers/bank/port.ts'
import type { CallbackHandler } from '../providers/callbacks/lane.ts'
import { recordBankLines } from './record-lines.ts'

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'wake'>

/** What the bank tells of lines on our accounts. What it tells of our own transfers belongs to the effects. */
export function bankLineCallbacks(app: Needs): CallbackHandler {
  return async (callbacks) => {
    const booked = callbacks.flatMap(({ id, payload }) => {
      const notification = payload as BankNotification
      return notification.type === 'line.booked' ? [{ id, line: readLine(notification.line) }] : []
    })
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
