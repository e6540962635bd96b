import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { sql } from 'kysely'
import { undoMatch } from '../../src/bank-accounts/undo-match.ts'
import { RefusedOperation } from '../../src/effects/operate-effects.ts'
import { refusePayment, releasePayment } from '../../src/onramp/review.ts'
import { tellLine } from '../support/bank.ts'
import {
  addCustomer,
  checkBooks,
  createGuided,
  endCoins,
  findIban,
  type PaymentWorld,
  reserveCoins,
  settleRefunds,
  startPaymentWorld,
  takeInstructions,
} from '../support/payments.ts'

/** More of them in the long runs. */
const RUNS = Number(process.env.HISTORY_RUNS ?? 20)
const WHO = { who: 'a test', why: 'chance' }
const DAY_MS = 86_400_000

let t: PaymentWorld
let iban: string

before(async () => {
  t = await startPaymentWorld()
  iban = await findIban(t.app)
})
after(() => t.stop())

interface World {
  payments: string[]
  concepts: string[]
  lines: string[]
}

type Step =
  | { do: 'line'; units: bigint; of: number | null; from: 'customer' | 'stranger' }
  | { do: 'reconcile'; line: number; payment: number; amount: string | null }
  | { do: 'undo'; line: number; payment: number }
  | { do: 'match' | 'refunds go out' }
  | { do: 'time passes'; ms: number }
  | { do: 'release' | 'refuse' | 'reserve coins' | 'coins arrive'; payment: number }

const one = fc.nat({ max: 2 })

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('line' as const),
      units: fc.constantFrom(10_000n, 10_000n, 6_000n, 4_000n, 20_000n, 9_950n),
      of: fc.constantFrom(null, 0, 1, 2),
      from: fc.constantFrom('customer' as const, 'customer' as const, 'stranger' as const),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('reconcile' as const),
      line: one,
      payment: one,
      amount: fc.constantFrom(null, null, '100.00', '60.00', '40.00', '0.01'),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('undo' as const), line: one, payment: one }) },
  { weight: 3, arbitrary: fc.constant<Step>({ do: 'match' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'refunds go out' }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('time passes' as const),
      ms: fc.constantFrom(60_000, 4 * DAY_MS, 8 * DAY_MS),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'release' as const,
        'refuse' as const,
        'reserve coins' as const,
        'coins arrive' as const,
      ),
      payment: one,
    }),
  },
)

test('whatever is matched, reconciled and undone, in whatever order: never more than a line has, and the books are right', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 4, maxLength: 14 }), async (history) => {
      const world = await begin()
      for (const step of history) {
        await take(world, step)
        await checkMatches(world)
      }
      await checkBooks(t.app)
    }),
    { numRuns: RUNS, endOnFailure: true },
  )
})

/** Three payments of 100.00 that wait, and a line of nobody. */
async function begin(): Promise<World> {
  const world: World = { payments: [], concepts: [], lines: [] }
  for (let n = 0; n < 3; n += 1) {
    const id = await createGuided(t, await addCustomer(t.app), {
      fiat_amount: '100.00',
      payment_type: 'transfer',
    })
    world.payments.push(id)
    world.concepts.push(String((await takeInstructions(t, id)).concept))
  }
  world.lines.push(await tellLine(t.app, { iban, counterpartyName: 'Nadie', units: 10_000n }))
  return world
}

async function take(world: World, step: Step): Promise<void> {
  const { app } = t
  switch (step.do) {
    case 'line': {
      if (world.lines.length === 3) return
      const concept = step.of === null ? '' : world.concepts[step.of]!
      const counterpartyName = step.from === 'customer' ? 'Ana Pérez García' : 'Boris Petrov'
      world.lines.push(await tellLine(app, { iban, units: step.units, concept, counterpartyName }))
      return
    }
    case 'reconcile': {
      const body = {
        payment_id: world.payments[step.payment],
        transaction_id: world.lines[step.line],
        accept_difference: true,
        ...(step.amount === null ? {} : { amount: step.amount }),
      }
      if (body.transaction_id === undefined) return
      const answer = await t.api('POST', '/api/banking/reconcile', { body })
      assert.notEqual(answer.body.error, 'unexpected_error')
      return
    }
    case 'undo': {
      const [transactionId, paymentId] = [world.lines[step.line], world.payments[step.payment]]
      if (transactionId === undefined) return
      return refusable(undoMatch(app, { iban, transactionId, paymentId }, WHO))
    }
    case 'match':
      return t.settle()
    case 'refunds go out':
      return settleRefunds(t)
    case 'time passes':
      await t.advance(step.ms)
      return t.settle()
    case 'release':
      return refusable(releasePayment(app, world.payments[step.payment]!, WHO))
    case 'refuse':
      return refusable(refusePayment(app, world.payments[step.payment]!, WHO))
    case 'reserve coins':
      return isPlanned(world.payments[step.payment]!).then((planned) =>
        planned ? reserveCoins(app, world.payments[step.payment]!) : undefined,
      )
    case 'coins arrive':
      if (await isPlanned(world.payments[step.payment]!))
        await endCoins(t, world.payments[step.payment]!, 'confirmed')
  }
}

/** Refused in words is an answer; anything else is a mistake. */
async function refusable(doing: Promise<unknown>): Promise<void> {
  await doing.catch((error: unknown) => {
    if (!(error instanceof RefusedOperation)) throw error
  })
}

async function isPlanned(paymentId: string): Promise<boolean> {
  const coins = await t.app.db
    .selectFrom('effects')
    .select('state')
    .where('purpose', '=', `payment:${paymentId}:coins`)
    .executeTakeFirst()
  return coins?.state === 'planned'
}

/** What is matched of each line is what its payments got of it; what each payment got came from lines. */
async function checkMatches({ lines, payments }: World): Promise<void> {
  const byLine = await sql<{ id: string }>`
    select id, units, matched_units, state,
           (select coalesce(sum(units), 0) from bank_matches where transaction_id = lines.id) as sum
      from bank_transactions lines where id = any(${lines}::text[])
       and (matched_units > units or matched_units < 0
            or matched_units <> (select coalesce(sum(units), 0) from bank_matches where transaction_id = lines.id)
            or (state = 'matched') <> (matched_units = units))`.execute(t.app.db)
  assert.deepEqual(byLine.rows, [])
  const byPayment = await sql<{ id: string }>`
    select id, state, received_units,
           (select coalesce(sum(units), 0) from bank_matches where payment_id = payments.id) as sum
      from payments where id = any(${payments}::text[])
       and received_units <> (select coalesce(sum(units), 0) from bank_matches where payment_id = payments.id)`.execute(
    t.app.db,
  )
  assert.deepEqual(byPayment.rows, [])
  const journals = await sql<{ id: string }>`
    select payments.id, (select sum(-postings.units) from postings join journals on journals.id = journal_id
                          where account = 'customer:' || payments.id || ':fiat'
                            and kind in ('match', 'match_undone')) as booked, received_units
      from payments where id = any(${payments}::text[])
       and received_units <> coalesce((select sum(-postings.units) from postings join journals on journals.id = journal_id
                          where account = 'customer:' || payments.id || ':fiat'
                            and kind in ('match', 'match_undone')), 0)`.execute(t.app.db)
  assert.deepEqual(journals.rows, [])
}
