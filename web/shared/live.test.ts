import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CallError, ConnectionLost } from './call.ts'
import { type LiveSource, type LiveState, retryPauseMs, startLive } from './live.ts'

interface View {
  version: string
  server_time: string
}

const view = (version: string): View => ({ version, server_time: '2026-01-01T00:00:00.000000Z' })
const no = (httpStatus: number) =>
  new CallError({ status: 'error', error: 'payment_not_found', message: 'No such payment.' }, httpStatus)

/** A world in which each question waits until the test answers it. */
function world(change: Partial<LiveSource<View>> = {}) {
  const questions: {
    version: string | null
    answer: (view: View) => void
    fail: (error: Error) => void
    signal: AbortSignal
  }[] = []
  const pauses: number[] = []
  const states: LiveState<View>[] = []
  const ask = (version: string | null, signal: AbortSignal) =>
    new Promise<View>((answer, fail) => {
      questions.push({ version, answer, fail, signal })
      signal.addEventListener('abort', () => fail(new ConnectionLost('aborted')))
    })
  let ticks = 0
  const source: LiveSource<View> = {
    open: (signal) => ask('open', signal),
    next: ask,
    isFinal: ({ version }) => version === 'final',
    untilVisible: async () => {},
    pause: async (ms) => void pauses.push(ms),
    tick: () => (ticks += 5000),
    ...change,
  }
  const live = startLive(source, (state) => states.push(state))
  /** The question of that number, once it is asked. */
  const question = async (at: number) => {
    for (let turn = 0; turn < 200; turn++) {
      if (questions[at]) return questions[at]
      await Promise.resolve()
    }
    throw new Error(`There was no question ${at}, only ${questions.length}.`)
  }
  const settle = async () => {
    for (let turn = 0; turn < 50; turn++) await Promise.resolve()
  }
  return { live, question, questions, settle, pauses, states, last: () => states.at(-1)! }
}

describe('startLive', () => {
  it('opens, then waits for each next version until the final one', async () => {
    const { question, questions, settle, last } = world()
    ;(await question(0)).answer(view('1'))
    const second = await question(1)
    assert.equal(second.version, '1')
    second.answer(view('final'))
    await settle()
    assert.equal(questions.length, 2)
    assert.equal(last().view?.version, 'final')
  })

  it('says it is offline, tries again with growing pauses, and asks at once when it is back', async () => {
    const { question, settle, last, pauses } = world()
    ;(await question(0)).answer(view('1'))
    for (let at = 1; at <= 3; at++) (await question(at)).fail(new ConnectionLost('gone'))
    const back = await question(4)
    assert.equal(last().offline, true)
    assert.equal(last().view?.version, '1')
    assert.equal(back.version, null)
    back.answer(view('2'))
    await settle()
    assert.equal(last().offline, false)
    assert.deepEqual(pauses, [1000, 2000, 4000])
  })

  it('takes overload for a lost connection, and a missing payment for the end', async () => {
    const { question, questions, settle, last } = world()
    ;(await question(0)).fail(no(503))
    ;(await question(1)).fail(no(429))
    ;(await question(2)).fail(no(404))
    await settle()
    assert.equal(questions.length, 3)
    assert.equal(last().failure?.code, 'payment_not_found')
    assert.equal(last().offline, false)
  })

  it('drops the question under way when the customer acts, and goes on from the action’s answer', async () => {
    const { live, question, last } = world()
    ;(await question(0)).answer(view('1'))
    const dropped = await question(1)
    await live.act(
      async () => view('2'),
      (next) => next,
    )
    assert.equal(dropped.signal.aborted, true)
    assert.equal((await question(2)).version, '2')
    assert.equal(last().view?.version, '2')
  })

  it('keeps the view and goes on when an action is refused', async () => {
    const { live, question, last } = world()
    ;(await question(0)).answer(view('1'))
    await question(1)
    await assert.rejects(
      live.act(
        async () => Promise.reject(no(409)),
        () => view('x'),
      ),
      CallError,
    )
    assert.equal((await question(2)).version, '1')
    assert.equal(last().view?.version, '1')
    assert.equal(last().failure, null)
  })

  it('asks at once on refresh, even after the end', async () => {
    const { live, question, settle } = world()
    ;(await question(0)).answer(view('final'))
    await settle()
    live.refresh()
    assert.equal((await question(1)).version, null)
  })

  it('does not ask in a tight loop when the server doesn’t hold the question', async () => {
    let ticks = 0
    const { question, pauses } = world({ tick: () => (ticks += 1) })
    ;(await question(0)).answer(view('1'))
    ;(await question(1)).answer(view('1'))
    await question(2)
    assert.deepEqual(pauses, [2000])
  })

  it('asks nothing after stop', async () => {
    const { live, question, questions, settle } = world()
    ;(await question(0)).answer(view('1'))
    await question(1)
    live.stop()
    await settle()
    assert.equal(questions.length, 2)
  })
})

describe('retryPauseMs', () => {
  it('grows to ten seconds', () => {
    assert.deepEqual([1, 2, 3, 4, 5, 20].map(retryPauseMs), [1000, 2000, 4000, 8000, 10_000, 10_000])
  })
})
