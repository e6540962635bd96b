import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createMemoryGate } from './memory-gate.ts'

const OPTIONS = { totalBytes: 100, ownerBytes: 60, mostWaiting: 10, longestWaitMs: 10_000 }

/** Enters and tells in `order` when it was let in. */
function makeGate(options: Partial<typeof OPTIONS> = {}) {
  const gate = createMemoryGate({ ...OPTIONS, ...options })
  const order: string[] = []
  const enter = async (owner: string, bytes: number, name = owner) => {
    const leave = await gate.enter(owner, bytes)
    order.push(leave ? name : `${name} turned away`)
    return leave ?? (() => {})
  }
  return { enter, order }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

describe('the gate', () => {
  test('lets in as many bytes as there is room for, and the next when others leave', async () => {
    const { enter, order } = makeGate()
    const leaveA = await enter('a', 60)
    await enter('b', 40)
    enter('c', 50)
    enter('d', 10)
    await settle()
    assert.deepEqual(order, ['a', 'b'])
    leaveA()
    leaveA()
    await settle()
    assert.deepEqual(order, ['a', 'b', 'c', 'd'])
  })

  test('nobody overtakes a large one for ever', async () => {
    const { enter, order } = makeGate()
    const leaves = [await enter('a', 30), await enter('b', 30), await enter('c', 30)]
    enter('large', 60)
    enter('small', 5)
    leaves[0]?.()
    await settle()
    assert.deepEqual(order.slice(3), [])
    leaves[1]?.()
    await settle()
    assert.deepEqual(order.slice(3), ['large', 'small'])
  })

  test('nobody waits behind an owner who holds its whole share', async () => {
    const { enter, order } = makeGate()
    const leave = await enter('greedy', 60)
    enter('greedy', 10, 'more')
    enter('modest', 40)
    await settle()
    assert.deepEqual(order, ['greedy', 'modest'])
    leave()
    await settle()
    assert.deepEqual(order, ['greedy', 'modest', 'more'])
  })

  test('what is larger than a share waits until its owner holds nothing', async () => {
    const { enter, order } = makeGate()
    const leave = await enter('a', 1)
    enter('a', 1_000, 'huge')
    await settle()
    assert.deepEqual(order, ['a'])
    leave()
    await settle()
    assert.deepEqual(order, ['a', 'huge'])
  })

  test('who waits too long, or comes when too many wait, is turned away', async () => {
    const { enter, order } = makeGate({ longestWaitMs: 20, mostWaiting: 1 })
    await enter('a', 60)
    const waiting = enter('a', 10, 'late')
    await enter('a', 10, 'one too many')
    await waiting
    assert.deepEqual(order, ['a', 'one too many turned away', 'late turned away'])
    // Nobody is left waiting, and the room is what it was.
    await enter('b', 40)
    assert.equal(order.at(-1), 'b')
  })
})
