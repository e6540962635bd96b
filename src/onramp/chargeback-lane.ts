import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Lane } from '../kernel/lanes.ts'
import type { CardChargeback, CardProvider } from '../providers/card/port.ts'
import { takeWonDispute } from './dispute-won.ts'
import { applyChargebacks } from './session-chargebacks.ts'
import { applySessionNews, type SessionNews } from './session-news.ts'

type Needs = Pick<
  App,
  'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'providers' | 'wake' | 'log' | 'pageNews'
>

/** On the platform's clock: whoever lost a notification has lost ten minutes. */
const READ_AGAIN_MS = 600_000
/** After the provider did not answer. */
const TRY_AGAIN_MS = 60_000
const LEASE_MS = 60_000
/** Read again each time: two clocks differ, and a change may be written later than it says. */
const OVERLAP_MS = 3 * 86_400_000

/**
 * Reads what payers took back from the card provider's list, from where it was read last: a notification may be lost
 * for good. What is known already changes nothing.
 */
export function chargebackLane(app: Needs): Lane {
  return {
    name: 'card-chargebacks',
    pollMs: 60_000,
    recurring: true,
    async step() {
      const provider = app.providers.card
      if (!provider) return 0
      const readTo = await claimScan(app, provider.name)
      if (!readTo) return 0
      try {
        await readOn(app, provider, readTo)
      } catch (error) {
        await endScan(app, provider.name, { pauseMs: TRY_AGAIN_MS })
        throw error
      }
      return 1
    },
    async nextDue() {
      const provider = app.providers.card
      if (!provider) return null
      const row = await app.db
        .selectFrom('chargebackScans')
        .select('dueAt')
        .where('provider', '=', provider.name)
        .executeTakeFirst()
      return row ? row.dueAt : app.clock.now()
    },
  }
}

/** Where to read on from, when it is due and nobody else reads; begun now where it never was. */
async function claimScan({ db, clock }: Needs, provider: string): Promise<Date | undefined> {
  const now = clock.now()
  const { rows } = await sql<{ readTo: Date }>`
    insert into chargeback_scans as scan (provider, read_to, due_at, lease_until)
    values (${provider}, ${now}, ${now}, clock_timestamp() + ${LEASE_MS} * interval '1 millisecond')
    on conflict (provider) do update set lease_until = excluded.lease_until
     where scan.due_at <= ${now} and (scan.lease_until is null or scan.lease_until < clock_timestamp())
    returning read_to`.execute(db)
  return rows[0]?.readTo
}

async function endScan(
  { db, clock }: Needs,
  provider: string,
  { pauseMs, readTo }: { pauseMs: number; readTo?: Date },
): Promise<void> {
  await db
    .updateTable('chargebackScans')
    .set({
      dueAt: new Date(clock.now().getTime() + pauseMs),
      leaseUntil: null,
      ...(readTo ? { readTo } : {}),
    })
    .where('provider', '=', provider)
    .execute()
}

async function readOn(app: Needs, provider: CardProvider, readTo: Date): Promise<void> {
  let last = readTo
  const since = new Date(readTo.getTime() - OVERLAP_MS)
  for (let next: string | null = null; ; ) {
    const page = await provider.listChargebacks(since, next)
    await takeAll(app, provider.name, page.chargebacks)
    last = page.chargebacks.at(-1)?.changedAt ?? last
    next = page.next
    if (next === null) break
  }
  await endScan(app, provider.name, { pauseMs: READ_AGAIN_MS, readTo: last > readTo ? last : readTo })
}

async function takeAll(app: Needs, provider: string, chargebacks: readonly CardChargeback[]): Promise<void> {
  const standing = chargebacks
    .filter(({ state }) => state === 'charged_back')
    .map((one) => newsOf(provider, one))
  await applySessionNews(app, standing)
  const failed = await applyChargebacks(app, standing)
  if (failed.size > 0) throw new Error(`${failed.size} chargebacks were not taken in; see the log.`)
  for (const one of chargebacks) if (one.state === 'won') await takeWonDispute(app, provider, one)
}

/** Whoever charges back has paid: should that news be lost, too, this is it. */
const newsOf = (provider: string, one: CardChargeback): SessionNews => ({
  provider,
  providerRef: one.providerRef,
  reference: one.reference,
  type: 'paid',
  units: one.units,
  currency: one.currency,
  at: one.changedAt,
  payer: null,
  chargedBack: { units: one.units, reason: one.reason },
})
