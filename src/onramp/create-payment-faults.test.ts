import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { ApiAnswer } from '../../test/support/app.ts'
import {
  addCustomer,
  CARDS,
  checkBooks,
  type PaymentWorld,
  rowOf,
  startPaymentWorld,
  WALLET,
} from '../../test/support/payments.ts'
import type { CardProvider } from '../providers/card/port.ts'
import { readCard } from '../providers/card/simulated/card-rules.ts'
import { tryCard } from '../providers/card/simulated/session.ts'
import { addFaults } from '../providers/faults.ts'
import { ProviderError } from '../providers/provider-error.ts'

let t: PaymentWorld
let customer: number

before(async () => {
  t = await startPaymentWorld()
})
beforeEach(async () => {
  customer = await addCustomer(t.app)
})
after(async () => {
  await checkBooks(t.app)
  await t.stop()
})

type Fields = Record<string, unknown>

const post = (fields: Fields, headers: Record<string, string> = {}): Promise<ApiAnswer> =>
  t.api('POST', '/api/createPayment', {
    body: {
      user_id: customer,
      fiat_symbol: 'EUR',
      fiat_amount: '150.50',
      coin_symbol: 'USDC',
      coin_chain: 'polygon',
      wallet: WALLET,
      ...fields,
    },
    headers,
  })

const countPayments = async () => (await t.app.db.selectFrom('payments').select('id').execute()).length

const MINUTE_MS = 60_000

/** The customer pays in a session of the provider's, however they got to know of it. */
async function payAt(sessionId: string): Promise<void> {
  const { db, clock } = t.app
  const read = readCard({ number: CARDS.paid, expiry: '12/40', code: '123', name: 'ANA PEREZ' }, clock.now())
  assert.ok('card' in read)
  assert.ok(await tryCard(db, sessionId, read.card!, clock.now()), 'the session takes the card')
}

/** Whatever a provider has, and whoever may pay there: what we know of it. */
async function assertAllKnown(): Promise<void> {
  const { rows } = await sql<{ reference: string }>`
    select s.reference
      from (select idempotency_key, reference from simulated.card_sessions
            union all select idempotency_key, reference from simulated.open_banking_sessions) s
           left join payment_sessions own on own.id = s.idempotency_key and own.payment_id = s.reference
           left join payments on payments.id = own.payment_id
     where payments.id is null`.execute(t.app.db)
  assert.deepEqual(rows, [], 'no session is without its payment')
}

async function findByName(external_id: string) {
  return t.app.db
    .selectFrom('payments')
    .select(['id', 'state', 'quoteId', 'liveExternalId', 'receivedUnits'])
    .where('externalId', '=', external_id)
    .orderBy('createdAt')
    .execute()
}

const eventsOf = async (id: string) =>
  (await t.app.db.selectFrom('events').select('type').where('stream', '=', `payment:${id}`).execute()).map(
    ({ type }) => type,
  )

/** The card provider's first answers, by what `behave` does with a call; the others are its own. */
function alterCard(
  behave: (
    call: () => ReturnType<CardProvider['createSession']>,
  ) => ReturnType<CardProvider['createSession']>,
  times = 1,
): void {
  const card = t.app.providers.card!
  const { createSession } = card
  let left = times
  card.createSession = (request) => {
    left -= 1
    if (left < 0) return createSession(request)
    if (left === 0) card.createSession = createSession
    return behave(() => createSession(request))
  }
}

const cardSessionsOf = (id: string) =>
  t.app.db.selectFrom('simulated.cardSessions').select(['id', 'state']).where('reference', '=', id).execute()

describe('a provider that fails', () => {
  for (const kind of ['fail', 'reject', 'lost_answer'] as const) {
    for (const payment_type of ['card', 'psd2'] as const) {
      test(`${payment_type}, ${kind}: the payment is cancelled, all that it held is free, no session is lost`, async () => {
        const provider = payment_type === 'card' ? 'card' : 'open_banking'
        const quote = await t.api('GET', `/api/quote?amount=150.50&symbol=USDC&payment_type=${payment_type}`)
        const external_id = `${payment_type}-${kind}`
        const fields = { payment_type, external_id, quote_id: quote.body.data.quote_id }
        const others = await countPayments()
        await addFaults(t.app, { provider, kind, count: 1 })
        const headers = { 'idempotency-key': external_id }
        const refused = await post(fields, headers)
        assert.equal(refused.body.error, 'error_payment_creation')
        const [withdrawn] = await findByName(external_id)
        assert.deepEqual(
          [withdrawn?.state, withdrawn?.quoteId, withdrawn?.liveExternalId],
          ['cancelled', null, null],
        )
        await assertAllKnown()
        // The external_id, the quote and the key are free: the same call again succeeds.
        const { body } = await post(fields, headers)
        assert.equal(body.message, 'payment_created', JSON.stringify(body))
        assert.notEqual(body.data.payment_id, withdrawn?.id)
        assert.equal(await countPayments(), others + 2)
        await t.advance(31 * MINUTE_MS)
        await t.settle()
        const parked = await t.app.db
          .selectFrom('providerCallbacks')
          .select('id')
          .where('attempts', '>', 0)
          .execute()
        assert.deepEqual(parked, [])
        assert.equal((await rowOf(t.app, body.data.payment_id)).state, 'expired')
        // Nobody hears of a payment that nobody was told of.
        assert.deepEqual(await eventsOf(withdrawn!.id), [])
        await assertAllKnown()
      })
    }
  }

  test('a session whose answer was lost is ended at the provider', async () => {
    await addFaults(t.app, { provider: 'card', kind: 'lost_answer', count: 1 })
    await post({ payment_type: 'card', external_id: 'lost' })
    const [withdrawn] = await findByName('lost')
    assert.deepEqual(
      (await cardSessionsOf(withdrawn!.id)).map(({ state }) => state),
      ['open'],
    )
    await t.advance(31_000)
    await t.settle()
    assert.deepEqual(
      (await cardSessionsOf(withdrawn!.id)).map(({ state }) => state),
      ['cancelled'],
    )
  })

  test('one that the provider begins late, after it was asked, is ended as well', async () => {
    let begin: () => Promise<unknown> = () => Promise.reject(new Error('It was not called.'))
    alterCard((call) => {
      begin = call
      return Promise.reject(new ProviderError('simulated', 'unknown', 'did not answer in time'))
    })
    assert.equal(
      (await post({ payment_type: 'card', external_id: 'late' })).body.error,
      'error_payment_creation',
    )
    const [withdrawn] = await findByName('late')
    await t.advance(31_000)
    await t.settle()
    await begin()
    await assertAllKnown()
    await t.advance(121_000)
    await t.settle()
    assert.deepEqual(
      (await cardSessionsOf(withdrawn!.id)).map(({ state }) => state),
      ['cancelled'],
    )
  })

  test('money that is paid in such a session before it is ended is late money, found and never lost', async () => {
    for (const again of [false, true]) {
      const external_id = `paid-anyway-${again}`
      await addFaults(t.app, { provider: 'card', kind: 'lost_answer', count: 1 })
      await post({ payment_type: 'card', external_id })
      const [withdrawn] = await findByName(external_id)
      if (again) assert.ok((await post({ payment_type: 'card', external_id })).body.data.payment_id)
      const [session] = await cardSessionsOf(withdrawn!.id)
      await payAt(session!.id)
      await t.settle()
      await t.advance(60_000)
      await t.settle()
      const { state, receivedUnits, refund } = await rowOf(t.app, withdrawn!.id)
      assert.equal(receivedUnits, 15_050n)
      // Its name is another payment's by now: it goes back at once. Else a person looks at it first.
      if (again) assert.deepEqual([refund?.reason, refund?.units], ['late', '15050'])
      else assert.deepEqual([state, refund], ['in_review', null])
    }
  })

  test('the same request at the same time goes by what became of it, not by what was meant', async () => {
    for (const luck of ['the first', 'the second', 'none'] as const) {
      const external_id = `together-${luck}`
      const { promise: both, resolve: bothCalled } = Promise.withResolvers<void>()
      let calls = 0
      alterCard(async (call) => {
        calls += 1
        const nth = calls
        if (nth === 2) bothCalled()
        await both
        if ((luck === 'the first' && nth === 1) || (luck === 'the second' && nth === 2)) return call()
        throw new ProviderError('simulated', 'rejected', 'refused the order', { code: 'refused' })
      }, 2)
      const answers = await Promise.all([1, 2].map(() => post({ payment_type: 'card', external_id })))
      const [payment] = await findByName(external_id)
      const succeeded = answers.filter(({ body }) => body.message === 'payment_created')
      for (const { body } of succeeded) assert.equal(body.data.payment_id, payment!.id)
      for (const { body } of answers) assert.ok(body.data || body.error === 'error_payment_creation')
      // An address is given only for a payment that is there and can be paid.
      assert.equal(payment!.state, succeeded.length > 0 ? 'started' : 'cancelled')
      if (luck === 'none') assert.equal(succeeded.length, 0)
      await assertAllKnown()
      await t.advance(31_000)
      await t.settle()
      const states = (await cardSessionsOf(payment!.id)).map(({ state }) => state)
      if (payment!.state === 'cancelled') assert.ok(!states.includes('open'), `${states}`)
    }
  })
})

describe('a process that dies between the payment and its session', () => {
  const dying = Promise.withResolvers<never>()
  // The server only stops when nobody waits for it any more.
  after(() => dying.reject(new Error('The process has died.')))

  /** As if it had died: what the call waits for never comes, and its claim on the key is as old as it may be. */
  async function die(
    fields: Fields,
    headers: Record<string, string>,
    when: 'before' | 'after',
  ): Promise<string> {
    const { promise: dead, resolve: isDead } = Promise.withResolvers<void>()
    alterCard(async (call) => {
      if (when === 'after') await call()
      isDead()
      return dying.promise
    })
    void post(fields, headers).catch(() => {})
    await dead
    const { id } = await t.app.db
      .selectFrom('payments')
      .select('id')
      .orderBy('createdAt', 'desc')
      .executeTakeFirstOrThrow()
    await t.app.db
      .updateTable('idempotencyKeys')
      .set({ realStartedAt: new Date(t.app.clock.real().getTime() - 61_000) })
      .execute()
    return id
  }

  for (const when of ['before', 'after'] as const) {
    for (const by of ['Idempotency-Key', 'external_id'] as const) {
      test(`${when} the provider began it: the same call by its ${by} goes on with that payment`, async () => {
        const { body: quote } = await t.api('GET', '/api/quote?amount=150.50&symbol=USDC&payment_type=card')
        const name = `dead-${when}-${by}`
        const fields = {
          payment_type: 'card',
          quote_id: quote.data.quote_id,
          ...(by === 'external_id' && { external_id: name }),
        }
        const headers: Record<string, string> = by === 'Idempotency-Key' ? { 'idempotency-key': name } : {}
        const before = await countPayments()
        const id = await die(fields, headers, when)
        const { body } = await post(fields, headers)
        assert.equal(body.message, 'payment_created', JSON.stringify(body))
        assert.equal(body.data.payment_id, id)
        assert.deepEqual((await post(fields, headers)).body, body)
        assert.equal(await countPayments(), before + 1)
        assert.equal((await cardSessionsOf(id)).length, 1)
        await assertAllKnown()
        const [session] = await cardSessionsOf(id)
        await payAt(session!.id)
        await t.settle()
        assert.equal((await rowOf(t.app, id)).state, 'payment_received')
      })
    }
  }

  test('nobody calls again: the provider is asked until the session ends, and what is paid in it arrives', async () => {
    const id = await die({ payment_type: 'card' }, {}, 'after')
    for (const ms of [31_000, 121_000, 301_000]) {
      await t.advance(ms)
      await t.settle()
    }
    const { providerRef, state, dueAt } = await t.app.db
      .selectFrom('paymentSessions')
      .select(['providerRef', 'state', 'dueAt'])
      .where('paymentId', '=', id)
      .executeTakeFirstOrThrow()
    assert.deepEqual([providerRef !== null, state, dueAt !== null], [true, 'created', true])
    const [session] = await cardSessionsOf(id)
    await payAt(session!.id)
    await t.settle()
    assert.equal((await rowOf(t.app, id)).state, 'payment_received')
  })

  test('the provider refuses when the same call comes again: the payment is withdrawn', async () => {
    const headers = { 'idempotency-key': 'dead-refused' }
    const id = await die({ payment_type: 'card' }, headers, 'before')
    await addFaults(t.app, { provider: 'card', kind: 'reject', count: 1 })
    assert.equal((await post({ payment_type: 'card' }, headers)).body.error, 'error_payment_creation')
    assert.equal((await rowOf(t.app, id)).state, 'cancelled')
    const { body } = await post({ payment_type: 'card' }, headers)
    assert.notEqual(body.data.payment_id, id)
  })
})
