import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { CallbackRefused, type RawCallback } from '../callback.ts'
import { ProviderError } from '../provider-error.ts'
import { isValidIban } from './iban.ts'
import type { BankNotification, BankProvider, TransferOrder } from './port.ts'

/** A bank with an account of ours in euros, and somebody outside who sends money. */
export interface BankWorld {
  provider: BankProvider
  /** An account of ours that nothing was booked on yet. */
  iban: string
  /** An account at another bank that takes transfers. */
  elsewhere: string
  /** Opens another account of ours, in another currency, that holds so much and has no line yet. */
  open(currency: string, units: bigint): Promise<string>
  /** Money arrives on our account. */
  arrive(transfer: { units: bigint; name: string; iban: string; concept: string }): Promise<void>
  /** Lets the bank book what is under way, and answers what it has told us since the last call. */
  told(): Promise<RawCallback[]>
  close(): Promise<void>
}

/** What holds for every bank. The tests go on with the account as the one before left it. */
export function bankSuite(name: string, open: () => Promise<BankWorld>): void {
  describe(`bank contract: ${name}`, () => {
    let world: BankWorld
    before(async () => {
      world = await open()
    })
    after(() => world.close())

    const order = (over: Partial<TransferOrder> = {}): TransferOrder => ({
      idempotencyKey: randomUUID(),
      iban: world.iban,
      to: { iban: world.elsewhere },
      toName: 'Luis Pérez',
      units: 2_500n,
      currency: 'EUR',
      concept: 'Refund HkQ2vYp4',
      endToEndId: 'HkQ2vYp4nRw8sZx1cBf6mLt3J',
      ...over,
    })
    const notifications = async (): Promise<BankNotification[]> =>
      (await world.told()).flatMap((callback) => world.provider.parseCallback(callback))
    const balance = async () => (await world.provider.getBalance(world.iban)).units

    test('our account is listed with an IBAN that its check digits prove, empty', async () => {
      const account = (await world.provider.listAccounts()).find(({ iban }) => iban === world.iban)
      assert.ok(account?.bic && account.bankName && account.holderName)
      assert.equal(account.currency, 'EUR')
      assert.ok(isValidIban(account.iban))
      assert.deepEqual(await world.provider.listTransactions(world.iban, null), [])
      assert.equal(await balance(), 0n)
    })

    test('an account that is not ours is not found', async () => {
      await assert.rejects(world.provider.getBalance(world.elsewhere), rejected('account_not_found'))
      await assert.rejects(
        world.provider.listTransactions(world.elsewhere, null),
        rejected('account_not_found'),
      )
      await assert.rejects(
        world.provider.sendTransfer(order({ iban: world.elsewhere })),
        rejected('account_not_found'),
      )
    })

    test('money that arrives is a line with who, what for and the balance, told and listed alike', async () => {
      const from = { name: 'Ana García', iban: world.elsewhere, concept: '120037' }
      await world.arrive({ ...from, units: 10_000n })
      await world.arrive({ ...from, units: 1n, concept: 'again' })
      const told = await notifications()
      const lines = await world.provider.listTransactions(world.iban, null)
      assert.deepEqual(
        lines.map(({ units, balanceUnits, direction }) => [units, balanceUnits, direction]),
        [
          [10_000n, 10_000n, 'credit'],
          [1n, 10_001n, 'credit'],
        ],
      )
      const [line] = lines
      assert.deepEqual(
        [line?.counterpartyName, line?.counterpartyIban, line?.concept, line?.currency, line?.transferRef],
        ['Ana García', world.elsewhere, '120037', 'EUR', null],
      )
      const toldLines = told.map((one) => one.type === 'line.booked' && one.line)
      assert.deepEqual(
        toldLines,
        lines.map((one) => ({
          ...one,
          bookedAt: one.bookedAt.toISOString(),
          units: String(one.units),
          balanceUnits: String(one.balanceUnits),
        })),
      )
      assert.equal(await balance(), 10_001n)
    })

    test('the list goes on after the last line known', async () => {
      const lines = await world.provider.listTransactions(world.iban, null)
      assert.deepEqual(await world.provider.listTransactions(world.iban, lines[0]!.ref), lines.slice(1))
      assert.deepEqual(await world.provider.listTransactions(world.iban, lines.at(-1)!.ref), [])
      assert.deepEqual(await world.provider.listTransactions(world.iban, null, 1), lines.slice(0, 1))
    })

    test('a transfer out is accepted, then booked as a debit, and told', async () => {
      const ordered = order()
      const accepted = await world.provider.sendTransfer(ordered)
      assert.equal(accepted.state, 'accepted')
      const told = await notifications()
      const booked = told.find((one) => one.type === 'transfer.booked')
      assert.ok(booked?.type === 'transfer.booked')
      assert.deepEqual(
        [booked.providerRef, booked.idempotencyKey, booked.units],
        [accepted.providerRef, ordered.idempotencyKey, '2500'],
      )
      assert.equal((await world.provider.findTransfer(ordered.idempotencyKey))?.state, 'booked')
      const line = (await world.provider.listTransactions(world.iban, null)).at(-1)
      assert.deepEqual(
        [line?.direction, line?.units, line?.balanceUnits, line?.transferRef, line?.endToEndId],
        ['debit', 2_500n, 7_501n, accepted.providerRef, ordered.endToEndId],
      )
    })

    test('one order given many times at once is one transfer', async () => {
      const ordered = order({ units: 100n })
      const all = await Promise.all(Array.from({ length: 5 }, () => world.provider.sendTransfer(ordered)))
      assert.equal(new Set(all.map(({ providerRef }) => providerRef)).size, 1)
      await assert.rejects(
        world.provider.sendTransfer({ ...ordered, units: 101n }),
        rejected('idempotency_key_reused'),
      )
      await world.told()
      assert.equal(await balance(), 7_401n)
      assert.equal(await world.provider.findTransfer(randomUUID()), undefined)
    })

    test('no more goes out than is there, orders under way counted', async () => {
      const { provider } = world
      await assert.rejects(provider.sendTransfer(order({ units: 7_402n })), rejected('AM04'))
      const tries = await Promise.allSettled(
        [1, 2, 3].map(() => provider.sendTransfer(order({ units: 3_000n }))),
      )
      assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 2)
      await world.told()
      assert.equal(await balance(), 1_401n)
    })

    for (const [what, over, code] of [
      ['an IBAN with wrong check digits', { to: { iban: 'ES0000000000000000000000' } }, 'AC01'],
      ['an IBAN outside SEPA', { to: { iban: 'BR1800360305000010009795493C1' } }, 'AC01'],
      ['a currency that SEPA does not carry', { currency: 'MXN' }, 'AM03'],
      [
        'a CLABE with a wrong check digit',
        { to: local('MX', '032180000118359718'), currency: 'MXN' },
        'AC01',
      ],
      ['a CLABE paid in euros', { to: local('MX', '032180000118359719') }, 'AM03'],
      ['a country where nothing can be paid', { to: local('BR', '12345678') }, 'RC01'],
    ] as const) {
      test(`${what} is refused at once with ${code}, and nothing is held`, async () => {
        const ordered = order(over)
        await assert.rejects(world.provider.sendTransfer(ordered), rejected(code))
        assert.equal(await world.provider.findTransfer(ordered.idempotencyKey), undefined)
        assert.equal(await balance(), 1_401n)
      })
    }

    for (const [country, account, currency] of [
      ['CL', '12345678', 'CLP'],
      ['MX', '032180000118359719', 'MXN'],
      ['CO', '26912345678', 'COP'],
      ['PE', '00219100123456789053', 'PEN'],
      ['AR', '2850590940090418135201', 'ARS'],
    ] as const) {
      test(`${country}: a local account is paid in ${currency} from an account in it`, async () => {
        const iban = await world.open(currency, 500n)
        const to = local(country, account)
        await world.provider.sendTransfer(order({ iban, to, currency, units: 500n }))
        await world.told()
        const [line] = await world.provider.listTransactions(iban, null)
        assert.deepEqual(
          [line?.direction, line?.units, line?.balanceUnits, line?.currency, line?.counterpartyIban],
          ['debit', 500n, 0n, currency, account],
        )
        assert.equal((await world.provider.getBalance(iban)).currency, currency)
      })
    }

    test('a callback that was forged or altered is refused', async () => {
      await world.arrive({ units: 4_321n, name: 'Ana', iban: world.elsewhere, concept: 'x' })
      const [callback] = await world.told()
      assert.ok(callback)
      assert.equal(world.provider.parseCallback(callback).length, 1)
      const altered = Buffer.from(callback.rawBody.toString().replace('4321', '9321'))
      assert.throws(() => world.provider.parseCallback({ ...callback, rawBody: altered }), CallbackRefused)
      assert.throws(() => world.provider.parseCallback({ ...callback, headers: {} }), CallbackRefused)
    })
  })
}

const local = (country: string, account: string) => ({ account, bankName: 'Banco del Sur', country })

const rejected = (code: string) => (error: unknown) => {
  assert.ok(error instanceof ProviderError, String(error))
  assert.deepEqual([error.outcome, error.code], ['rejected', code])
  return true
}
