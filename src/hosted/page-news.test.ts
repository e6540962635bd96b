import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClock } from '../kernel/clock.ts'
import { createPageNews, untilChanged } from './page-news.ts'

function twoProcesses() {
  const heard: ((payload: string) => void)[] = []
  const announced: string[] = []
  const notifier = {
    announce: (_channel: string, payload: string) => void announced.push(payload),
    listen: (_channel: string, on: (payload: string) => void) => void heard.push(on),
  }
  return {
    here: createPageNews(notifier),
    there: createPageNews(notifier),
    announced,
    /** The database carries what was announced to every process. */
    carry: () => {
      for (const payload of announced.splice(0)) for (const on of heard) on(payload)
    },
  }
}

const never = () => new AbortController().signal
const clock = createClock()

test('news wakes those who wait for it, here at once and elsewhere by the database', async () => {
  const { here, there, carry } = twoProcesses()
  const order: string[] = []
  const waits = [
    here.wait('kyc:a', 60_000, never()).then(() => order.push('here')),
    there.wait('kyc:a', 60_000, never()).then(() => order.push('there')),
  ]
  let other = false
  const unrelated = new AbortController()
  const waiting = here.wait('kyc:b', 60_000, unrelated.signal).then(() => (other = true))
  here.tell('kyc:a')
  await waits[0]
  assert.deepEqual(order, ['here'])
  carry()
  await waits[1]
  assert.deepEqual([order, other], [['here', 'there'], false])
  unrelated.abort()
  await waiting
})

test('a caller who went away, and a server that ends, wait no longer', async () => {
  const { here } = twoProcesses()
  const gone = new AbortController()
  const first = here.wait('x', 60_000, gone.signal)
  gone.abort()
  await first
  await here.wait('x', 60_000, gone.signal)
  const second = here.wait('x', 60_000, never())
  here.close()
  await second
  await here.wait('x', 60_000, never())
  assert.equal(here.closed, true)
})

test('a page that is behind is answered without waiting', async () => {
  const { here } = twoProcesses()
  let looks = 0
  await untilChanged(
    { pageNews: here, clock },
    { key: 'x', after: '1', signal: never(), readVersion: async () => `${++looks + 1}` },
  )
  assert.equal(looks, 1)
})

test('a change between looking and waiting is not slept through', async () => {
  const { here } = twoProcesses()
  let version = '1'
  let looks = 0
  await untilChanged(
    { pageNews: here, clock },
    {
      key: 'x',
      after: '1',
      signal: never(),
      async readVersion() {
        looks += 1
        const read = version
        if (looks === 1) {
          version = '2'
          here.tell('x')
        }
        return read
      },
    },
  )
  assert.equal(looks, 2)
})

test('after 25 seconds the page is answered as it is', async () => {
  const { here } = twoProcesses()
  let nowMs = 1_000_000
  let looks = 0
  await untilChanged(
    { pageNews: here, clock: createClock(() => nowMs) },
    {
      key: 'x',
      after: '1',
      signal: never(),
      async readVersion() {
        looks += 1
        nowMs += 12_500
        here.tell('x')
        return '1'
      },
    },
  )
  assert.ok(looks >= 2 && looks <= 3, String(looks))
})
