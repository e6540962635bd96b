import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually, startTestApp, type TestApp } from '../../test/support/app.ts'
import { isValidIban } from '../providers/bank/iban.ts'

const DAY_MS = 86_400_000

describe('the sandbox controls', () => {
  let test: TestApp
  before(async () => {
    test = await startTestApp()
  })
  after(() => test.stop())

  const overview = async (token?: string) => (await test.api('GET', '/api/sandbox', { token })).body.data

  describe('GET /api/sandbox', () => {
    it('tells what can be simulated', async () => {
      const data = await overview()
      assert.deepEqual(
        data.test_cards.map(({ number }: { number: string }) => number.slice(-4)),
        ['4242', '3184', '0002', '9995', '0259'],
      )
      assert.ok(data.fault_kinds.card.includes('hang'))
      assert.ok(data.magic_values.length > 4)
    })

    it('each integration has a euro account of its own, also after another start', async () => {
      const [account, ...more] = (await overview()).bank_accounts
      assert.deepEqual(more, [])
      assert.ok(isValidIban(account.iban))
      assert.deepEqual(
        [account.currency, account.balance, account.holder_name],
        ['EUR', '10000000.00', 'Sandbox Remittances'],
      )
      const other = await overview(await test.authenticate('sandbox-key-2', 'sandbox-secret-2'))
      assert.equal(other.bank_accounts.length, 1)
      assert.notEqual(other.bank_accounts[0].iban, account.iban)
    })

    it('names the local chains with an address that answers their JSON-RPC', async () => {
      for (const { rpc_url, chain_id, tokens } of (await overview()).chains) {
        assert.match(tokens.USDC, /^0x[0-9a-fA-F]{40}$/)
        const ask = (body: unknown) =>
          fetch(rpc_url, {
            method: 'POST',
            body: typeof body === 'string' ? body : JSON.stringify(body),
            headers: { 'content-type': 'application/json' },
          })
        const answer = await (await ask({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] })).json()
        assert.equal(Number(answer.result), chain_id)
        const cheat = await (
          await ask({ jsonrpc: '2.0', id: 1, method: 'anvil_setBalance', params: [] })
        ).json()
        assert.equal(cheat.error.code, -32601)
        assert.equal((await (await ask('{')).json()).error.code, -32700)
        assert.equal((await ask([{ jsonrpc: '2.0', method: 'eth_chainId', params: [] }])).status, 204)
        assert.equal((await fetch(`${test.url}/sandbox/rpc/nowhere`, { method: 'POST' })).status, 404)
      }
    })
  })

  describe('POST /api/sandbox/faults', () => {
    it('orders faults and lists what has not happened yet', async () => {
      const body = { provider: 'kyc', kind: 'late', count: 3 }
      const { body: answer } = await test.api('POST', '/api/sandbox/faults', { body })
      assert.deepEqual(answer.data.faults, [{ provider: 'kyc', kind: 'late', remaining: 3 }])
      assert.deepEqual((await overview()).faults, answer.data.faults)
    })

    it('takes them back with no times', async () => {
      const body = { provider: 'kyc', kind: 'late', count: 0 }
      const { body: answer } = await test.api('POST', '/api/sandbox/faults', { body })
      assert.deepEqual(answer.data.faults, [])
    })

    for (const [what, body, field] of [
      ['an unknown provider', { provider: 'postman', kind: 'fail' }, 'provider'],
      ['an unknown kind', { provider: 'card', kind: 'explode' }, 'kind'],
      ['a kind of another provider', { provider: 'card', kind: 'jump' }, 'kind'],
      ['fewer than no times', { provider: 'card', kind: 'fail', count: -1 }, 'count'],
    ] as const) {
      it(`invalid_field for ${what}`, async () => {
        const answer = await test.api('POST', '/api/sandbox/faults', { body })
        assert.deepEqual([answer.body.error, Object.keys(answer.body.errors)], ['invalid_field', [field]])
      })
    }
  })

  describe('POST /api/sandbox/bank/transfer', () => {
    it('money arrives on the account, with what the sender wrote', async () => {
      const [{ iban }] = (await overview()).bank_accounts
      const written = `${iban.slice(0, 4).toLowerCase()} ${iban.slice(4)}`
      const body = { iban: written, amount: 12.3, concept: 'rent', name: 'Luis Pérez' }
      const { data } = (await test.api('POST', '/api/sandbox/bank/transfer', { body })).body
      assert.deepEqual([data.iban, data.amount, data.currency], [iban, '12.30', 'EUR'])
      assert.ok(isValidIban(data.from_iban))
      const line = await eventually('the line is booked', async () => {
        const [first] = await test.app.providers.bank!.listTransactions(iban, null)
        return first
      })
      assert.deepEqual(
        [line.units, line.concept, line.counterpartyName, line.counterpartyIban],
        [1_230n, 'rent', 'Luis Pérez', data.from_iban],
      )
      assert.equal((await overview()).bank_accounts[0].balance, '10000012.30')
    })

    it("account_not_found for another integration's account", async () => {
      const token = await test.authenticate('sandbox-key-2', 'sandbox-secret-2')
      const [{ iban }] = (await overview(token)).bank_accounts
      const body = { iban, amount: '1', name: 'Luis' }
      assert.equal(
        (await test.api('POST', '/api/sandbox/bank/transfer', { body })).body.error,
        'account_not_found',
      )
    })

    for (const [field, over] of [
      ['amount', { amount: '1.234' }],
      ['amount', { amount: 0 }],
      ['amount', { amount: '1000000000' }],
      ['from_iban', { from_iban: 'ES0000000000000000000000' }],
      ['name', { name: ' ' }],
      ['amount,from_iban', { amount: '1.001', from_iban: 'ES00' }],
      ['name,from_iban,amount', { name: ' ', amount: '1.001', from_iban: 'ES00' }],
    ] as const) {
      it(`invalid_field for ${JSON.stringify(over)}`, async () => {
        const [{ iban }] = (await overview()).bank_accounts
        const body = { iban, amount: '1', name: 'Luis', ...over }
        const { error, errors } = (await test.api('POST', '/api/sandbox/bank/transfer', { body })).body
        assert.equal(error, 'invalid_field')
        assert.deepEqual(Object.keys(errors).sort(), field.split(',').sort())
      })
    }
  })

  describe('POST /api/sandbox/reset', () => {
    it('a new beginning: same token, settings and account, nothing else', async () => {
      const { app } = test
      const before = await overview()
      const { integrationId: oldId } = await idOf('sandbox-key')
      await app.db
        .insertInto('webhookSubscriptions')
        .values({
          integrationId: oldId,
          type: 'PAY_IN',
          sentType: 'PAY_IN',
          url: 'http://127.0.0.1:1/',
          createdAt: app.clock.now(),
          updatedAt: app.clock.now(),
        })
        .execute()
      const headers = { 'idempotency-key': 'reset-1' }
      const reset = await test.api('POST', '/api/sandbox/reset', { body: {}, headers })
      assert.deepEqual(reset.body, { status: 'ok', data: { reset: true } })
      const { integrationId: newId } = await idOf('sandbox-key')
      assert.notEqual(newId, oldId)
      assert.deepEqual((await overview()).bank_accounts, before.bank_accounts)
      const rows = await app.db
        .selectFrom('integrations')
        .select(['name', 'settings', 'detachedAt'])
        .where('id', 'in', [oldId, newId])
        .orderBy('id')
        .execute()
      assert.deepEqual(rows[0]!.settings, rows[1]!.settings)
      assert.ok(rows[0]!.detachedAt && !rows[1]!.detachedAt)
      assert.deepEqual(await app.db.selectFrom('webhookSubscriptions').selectAll().execute(), [])

      const again = await test.api('POST', '/api/sandbox/reset', { body: {}, headers })
      assert.equal(again.headers.get('idempotent-replayed'), 'true')
      assert.equal((await idOf('sandbox-key')).integrationId, newId)

      await test.api('POST', '/api/sandbox/reset', { body: {} })
      const { integrationId: newestId } = await idOf('sandbox-key')
      const replaced = await app.db
        .selectFrom('integrations')
        .select(['id', 'replacedBy'])
        .where('id', 'in', [oldId, newId, newestId])
        .orderBy('id')
        .execute()
      assert.deepEqual(replaced, [
        { id: oldId, replacedBy: newestId },
        { id: newId, replacedBy: newestId },
        { id: newestId, replacedBy: null },
      ])
    })

    const idOf = (apiKey: string) =>
      test.app.db
        .selectFrom('credentials')
        .select('integrationId')
        .where('apiKey', '=', apiKey)
        .executeTakeFirstOrThrow()
  })

  describe('POST /api/sandbox/clock', () => {
    it('lives through what is due on the way', async () => {
      const { app } = test
      const expiresAt = new Date(app.clock.now().getTime() + 3 * DAY_MS)
      const { providerRef } = await app.providers.card!.createSession({
        idempotencyKey: 'clock',
        reference: 'payment',
        units: 100n,
        currency: 'EUR',
        description: 'coins',
        merchantName: 'Shop',
        returnUrl: 'https://merchant.example/',
        expiresAt,
        customerName: 'Ana García',
        customerEmail: null,
        language: null,
      })
      const before = app.clock.now()
      const { data } = (await test.api('POST', '/api/sandbox/clock', { body: { advance: '7d' } })).body
      assert.ok(data.rows >= 2 && data.steps >= 2, JSON.stringify(data))
      assert.equal(data.advanced_by_seconds, 7 * 86_400)
      assert.ok(new Date(data.now).getTime() >= before.getTime() + 7 * DAY_MS)
      const session = await app.db
        .selectFrom('simulated.cardSessions')
        .select(['state', 'updatedAt'])
        .where('id', '=', providerRef)
        .executeTakeFirstOrThrow()
      assert.equal(session.state, 'expired')
      const afterExpiryMs = session.updatedAt.getTime() - expiresAt.getTime()
      assert.ok(afterExpiryMs >= 0 && afterExpiryMs < 60_000, 'it expired when it was due, not at the end')
      assert.equal(
        (await test.api('GET', '/api/sandbox')).body.error,
        'authorization_incorrect',
        'tokens age too',
      )
      test.token = await test.authenticate('sandbox-key', 'sandbox-secret')
      const price = await test.api('GET', '/api/token-price?symbol=USDC')
      assert.equal(price.body.status, 'ok', 'there is a fresh price at the new time')
    })

    it('invalid_field beyond the year 2200', async () => {
      const { app } = test
      await app.moveClock(new Date('2195-01-01').getTime() - app.clock.real().getTime())
      test.token = await test.authenticate('sandbox-key', 'sandbox-secret')
      const answer = await test.api('POST', '/api/sandbox/clock', { body: { advance: '3660d' } })
      assert.deepEqual([answer.body.error, Object.keys(answer.body.errors)], ['invalid_field', ['advance']])
    })

    for (const advance of ['-1d', '1.5h', 'tomorrow', '9999d', ' ']) {
      it(`invalid_field for ${JSON.stringify(advance)}`, async () => {
        const answer = await test.api('POST', '/api/sandbox/clock', { body: { advance } })
        assert.deepEqual([answer.body.error, Object.keys(answer.body.errors)], ['invalid_field', ['advance']])
      })
    }
  })
})

describe('in production', () => {
  it('nothing of the simulated world has a route', async () => {
    const { ENDPOINTS } = await import('../server/endpoints.ts')
    const simulated = ENDPOINTS.filter(({ path }) => /^\/(api\/sandbox|simulators)/.test(path))
    assert.ok(simulated.length > 10)
    for (const { path, sandboxOnly } of simulated) assert.equal(sandboxOnly, true, path)
  })
})
