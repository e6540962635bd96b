import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideSweep, type SweepQuestion, withHeadRoom } from './decide-sweep.ts'

const question = (given: Partial<SweepQuestion>): SweepQuestion => ({
  isNative: false,
  bookedUnits: 500n,
  chainUnits: 500n,
  nativeUnits: 0n,
  gasUnits: 100n,
  ...given,
})

test('an address without gas gets what the transfer can cost, with head-room, less what it has', () => {
  assert.deepEqual(decideSweep(question({})), { do: 'gas', units: 150n })
  assert.deepEqual(decideSweep(question({ nativeUnits: 99n })), { do: 'gas', units: 51n })
})

test('an address with enough gas gives all of its coins that are booked', () => {
  assert.deepEqual(decideSweep(question({ nativeUnits: 100n, chainUnits: 900n })), {
    do: 'coins',
    units: 500n,
  })
})

test('native coins leave behind what their gas can cost', () => {
  const native = { isNative: true, nativeUnits: 500n }
  assert.deepEqual(decideSweep(question(native)), { do: 'coins', units: 500n - withHeadRoom(100n) })
  const dear = decideSweep(question({ ...native, gasUnits: 400n }))
  assert.match(dear.do === 'put_off' ? dear.reason : '', /^gas_dear/)
})

test('coins that the books have and the chain has not are for a person', () => {
  const step = decideSweep(question({ chainUnits: 499n, nativeUnits: 1_000n }))
  assert.match(step.do === 'put_off' ? step.reason : '', /^coins_missing: the address holds 499/)
})

test('where nothing is left the sweep ends', () => {
  for (const bookedUnits of [0n, -1n]) assert.deepEqual(decideSweep(question({ bookedUnits })), { do: 'end' })
})
