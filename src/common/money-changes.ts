import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { laneOfEffect } from '../effects/model.ts'
import { type NewEffect, planEffects } from '../effects/plan-effects.ts'
import type { Clock } from '../kernel/clock.ts'
import { bookAll, type Journal } from '../ledger/book.ts'
import { emit, type NewEvent } from '../webhooks/emit.ts'

/** What one transaction does with money: the ledger's journals, money that is to go out, and what is told of it. */
export interface MoneyChanges {
  now: Date
  journals: Journal[]
  effects: NewEffect[]
  events: NewEvent[]
}

export const beginMoney = (clock: Clock): MoneyChanges => ({
  now: clock.now(),
  journals: [],
  effects: [],
  events: [],
})

/** Three statements whatever the number. The caller holds the locks of the payments or sales it is about. */
export async function writeMoney(
  trx: Trx,
  { journals, effects, events }: MoneyChanges,
  app: Pick<App, 'clock' | 'secrets'>,
): Promise<void> {
  await bookAll(trx, journals)
  await planEffects(trx, effects, app)
  await emit(trx, events, app)
}

/** The lanes that go on with what was written, to be woken after the commit. */
export function lanesAfter({ events, effects }: Pick<MoneyChanges, 'events' | 'effects'>): string[] {
  const lanes = new Set<string>(events.length > 0 ? ['event-sequencer'] : [])
  for (const { kind, asset } of effects) lanes.add(laneOfEffect(kind, asset))
  return [...lanes]
}
