import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { openSimulatorWorld, type SimulatorWorld } from '../../../../test/support/simulator.ts'
import { addFaults } from '../../faults.ts'
import { bankSuite } from '../contract-suite.ts'
import { isValidIban } from '../iban.ts'
import type { BankNotification, BankProvider, TransferOrder } from '../port.ts'
import { openAccount } from './account.ts'
import { payerIban, receiveTransfer } from './incoming.ts'
import { simulatedBankLane } from './lane.ts'
import { MAGIC_PAYEES } from './magic.ts'
import { createSimulatedBankProvider } from './provider.ts'

const openWorld = () => openSimulatorWorld((simulator) => [simulatedBankLane(simulator)])
const ELSEWHERE = payerIban('Ana García')

async function openEuroAccount({ simulator }: SimulatorWorld): Promise<string> {
  const at = simulator.clock.now()
  return (await openAccount(simulator.db, { holderName: 'Sandbox', currency: 'EUR', at })).iban
}

function arrive({ simulator }: SimulatorWorld, iban: string, units: bigint, over = {}): Promise<boolean> {
  const now = simulator.clock.now()
  return receiveTransfer(simulator.db, {
    iban,
    units,
    currency: 'EUR',
    fromName: 'Ana García',
    fromIban: ELSEWHERE,
    concept: '120037',
    dueAt: now,
    now,
    ...over,
  })
}

bankSuite('simulated', async () => {
  const world = await openWorld()
  const iban = await openEuroAccount(world)
  return {
    provider: createSimulatedBankProvider(world.simulator),
    iban,
    elsewhere: ELSEWHERE,
    async arrive({ units, name, iban: fromIban, concept }) {
      await arrive(world, iban, units, { fromName: name, fromIban, concept })
    },
    async told() {
      world.advance(5_000)
      await world.settle()
      return world.delivered.splice(0)
    },
    async open(currency, units) {
      const at = world.simulator.clock.now()
      return (
        await openAccount(world.simulator.db, { holderName: 'Ramp', currency, at, openingUnits: units })
      ).iban
    },
    close: world.close,
  }
})

describe('the simulated bank', () => {
  let world: SimulatorWorld
  let provider: BankProvider
  before(async () => {
    world = await openWorld()
    provider = createSimulatedBankProvider(world.simulator)
  })
  after(() => world.close())

  const told = async (): Promise<BankNotification[]> => {
    await world.settle()
    return world.delivered.splice(0).flatMap((callback) => provider.parseCallback(callback))
  }
  const send = (iban: string, toIban: string, units: bigint, over: Partial<TransferOrder> = {}) =>
    provider.sendTransfer({
      idempotencyKey: randomUUID(),
      iban,
      to: { iban: toIban },
      toName: 'Luis',
      units,
      currency: 'EUR',
      concept: 'x',
      endToEndId: 'e2e',
      ...over,
    })

  test('a payer has one account, by the name', () => {
    assert.ok(isValidIban(ELSEWHERE))
    assert.equal(payerIban('Ana García'), ELSEWHERE)
    assert.notEqual(payerIban('Luis'), ELSEWHERE)
  })

  test('money for an unknown account or in another currency arrives nowhere', async () => {
    const iban = await openEuroAccount(world)
    assert.equal(await arrive(world, ELSEWHERE, 1n), false)
    assert.equal(await arrive(world, iban, 1n, { currency: 'CLP' }), false)
  })

  test('late money is booked when it is due', async () => {
    const iban = await openEuroAccount(world)
    const dueAt = new Date(world.simulator.clock.now().getTime() + 3 * 86_400_000)
    await arrive(world, iban, 5n, { dueAt })
    assert.deepEqual(await told(), [])
    assert.deepEqual(await simulatedBankLane(world.simulator).nextDue(), dueAt)
    world.advance(3 * 86_400_000)
    assert.equal((await told()).length, 1)
    assert.equal(await simulatedBankLane(world.simulator).nextDue(), null)
  })

  test('two processes that book at once lose nothing and keep the running balance', async () => {
    const iban = await openEuroAccount(world)
    const other = await openEuroAccount(world)
    for (let units = 1n; units <= 30n; units++) await arrive(world, units % 2n ? iban : other, units)
    const lanes = [simulatedBankLane(world.simulator), simulatedBankLane(world.simulator)]
    await Promise.all(lanes.map((lane) => lane.step()))
    await told()
    const lines = await provider.listTransactions(iban, null)
    let balance = 0n
    for (const { units, balanceUnits } of lines) assert.equal(balanceUnits, (balance += units))
    assert.equal(balance, 225n)
    assert.equal((await provider.getBalance(other)).units, 240n)
  })

  test('a transfer that the other bank sends back: booked, then returned, the balance as before', async () => {
    const iban = await openEuroAccount(world)
    await arrive(world, iban, 1_000n)
    await told()
    await addFaults(world.simulator, { provider: 'bank', kind: 'return', count: 1 })
    const { idempotencyKey } = await send(iban, ELSEWHERE, 400n)
    world.advance(2_000)
    assert.deepEqual((await told()).map(({ type }) => type).sort(), ['line.booked', 'transfer.booked'])
    assert.equal((await provider.getBalance(iban)).units, 600n)
    world.advance(3_600_000)
    const back = await told()
    assert.deepEqual(back.map(({ type }) => type).sort(), ['line.booked', 'transfer.returned'])
    const transfer = await provider.findTransfer(idempotencyKey)
    assert.deepEqual([transfer?.state, transfer?.reason], ['returned', 'AC04'])
    const lines = await provider.listTransactions(iban, null)
    assert.deepEqual(
      lines.map(({ direction, balanceUnits }) => [direction, balanceUnits]),
      [
        ['credit', 1_000n],
        ['debit', 600n],
        ['credit', 1_000n],
      ],
    )
    assert.deepEqual([lines[2]?.transferRef, lines[2]?.returnCode], [transfer?.providerRef, 'AC04'])
    assert.deepEqual([lines[1]?.returnCode, lines[0]?.transferRef], [null, null])
  })

  test('a transfer to a number that this bank never gave out is rejected without a line', async () => {
    const iban = await openEuroAccount(world)
    const neighbour = await openEuroAccount(world)
    await world.simulator.db.deleteFrom('simulated.bankAccounts').where('iban', '=', neighbour).execute()
    await arrive(world, iban, 1_000n)
    await told()
    await send(iban, neighbour, 1_000n)
    world.advance(2_000)
    const [rejected] = await told()
    assert.ok(rejected?.type === 'transfer.rejected')
    assert.equal(rejected.reason, 'AC01')
    assert.equal((await provider.listTransactions(iban, null)).length, 1)
    assert.equal((await send(iban, ELSEWHERE, 1_000n)).state, 'accepted', 'the units are free again')
    world.advance(2_000)
    await told()
  })

  const DAY_MS = 86_400_000

  for (const { value, fate, text } of MAGIC_PAYEES) {
    test(`${value}: ${text}`, async () => {
      const at = world.simulator.clock.now()
      const mxn = { holderName: 'Ramp', currency: 'MXN', at, openingUnits: 10_000n }
      const byName = value.startsWith('… ')
      const iban = (await openAccount(world.simulator.db, byName ? mxn : { ...mxn, currency: 'EUR' })).iban
      const clabe = { account: '032180000118359719', bankName: 'STP', country: 'MX' }
      const order = byName
        ? { to: clabe, toName: `Ana ${value.slice(2).toUpperCase()}`, currency: 'MXN' }
        : { to: { iban: value } }
      const idempotencyKey = randomUUID()
      const sent = send(iban, '', 4_000n, { ...order, idempotencyKey })
      const state = async () => (await provider.findTransfer(idempotencyKey))?.state
      const moves = async () =>
        (await provider.listTransactions(iban, null)).map(({ direction, units }) => [direction, units])

      if (fate.does === 'refuse' || fate.does === 'hang') {
        const outcome = fate.does === 'refuse' ? 'rejected' : 'unknown'
        await assert.rejects(sent, {
          name: 'ProviderError',
          outcome,
          ...(fate.code ? { code: fate.code } : {}),
        })
        assert.equal(await state(), undefined)
        return
      }
      await sent
      assert.equal(await state(), 'accepted')
      world.advance(2_000)
      await told()
      if (fate.does === 'stay') {
        world.advance(30 * DAY_MS)
        await told()
        assert.deepEqual([await state(), await moves()], ['accepted', []])
        return
      }
      if (fate.does === 'reject') {
        const { reason, reasonText } = (await provider.findTransfer(idempotencyKey))!
        assert.deepEqual(
          [await state(), reason, reasonText, await moves()],
          ['rejected', fate.code, fate.text, []],
        )
        return
      }
      assert.deepEqual([await state(), await moves()], ['booked', [['debit', 4_000n]]])
      world.advance(DAY_MS)
      const returned = (await told()).find((one) => one.type === 'transfer.returned')
      assert.ok(returned?.type === 'transfer.returned')
      assert.deepEqual([returned.reason, returned.reasonText], [fate.code, fate.text])
      const [, line] = await provider.listTransactions(iban, null)
      assert.deepEqual(
        [line?.units, line?.returnCode, line?.returnText],
        [4_000n - fate.keptUnits, fate.code, fate.text],
      )
      assert.equal((await provider.getBalance(iban)).units, 10_000n - fate.keptUnits)
    })
  }

  test('a transfer to another account of this bank arrives there', async () => {
    const [iban, neighbour] = [await openEuroAccount(world), await openEuroAccount(world)]
    await arrive(world, iban, 900n)
    await told()
    await send(iban, neighbour, 300n)
    world.advance(2_000)
    await told()
    assert.equal((await provider.getBalance(iban)).units, 600n)
    const [line] = await provider.listTransactions(neighbour, null)
    assert.deepEqual([line?.units, line?.counterpartyIban, line?.direction], [300n, iban, 'credit'])
  })
})
