import { Type } from 'typebox'
import { parseDurationMs, wireTime } from '../kernel/clock.ts'
import { endpoint } from '../server/endpoint.ts'
import { type FieldErrors, fail } from '../server/errors.ts'
import { Text, WireTime } from '../server/fields.ts'
import { advanceClock } from './advance-clock.ts'

const DAY_MS = 86_400_000
/** Beyond, times would need more digits than the API's have. */
const END_OF_TIME = new Date('2200-01-01T00:00:00Z')
/** Far enough to live through every retention period. */
const LONGEST_MS = 3_660 * DAY_MS
const RETRY_SECONDS = 1

export const advanceSandboxClock = endpoint({
  method: 'POST',
  path: '/api/sandbox/clock',
  section: 'sandbox',
  name: 'advanceSandboxClock',
  summary: 'Move the clock forward',
  description: [
    "Moves the platform's time forward, never back, stepping from due time to due time: quotes and payments expire, webhooks are tried again, verifications are decided, transactions are confirmed. Answers once nothing is left to do.",
    '',
    'The clock is the whole platform’s, and tokens age with it: authenticate again after a day. Should the work not end in a minute, it answers `request_in_progress` with the clock as far as it got; call again to go on.',
  ].join('\n'),
  audience: 'token',
  sandboxOnly: true,
  body: Type.Object({
    advance: Text('How far: days, hours, minutes, seconds, such as `90d`, `1d12h`, `45s`.', 32),
  }),
  data: Type.Object({
    now: WireTime,
    advanced_by_seconds: Type.Integer({ description: 'How far the clock was moved by this call.' }),
    rows: Type.Integer({ description: 'How many rows of due work ran in this process meanwhile.' }),
    steps: Type.Integer({ description: 'At how many moments on the way.' }),
  }),
  errors: ['request_in_progress'],
  examples: {
    request: { advance: '1h' },
    answer: { now: '2026-06-26T11:30:00.000000Z', advanced_by_seconds: 3600, rows: 12, steps: 4 },
  },
  check({ body }): FieldErrors {
    if (body.advance === undefined) return {}
    const ms = parseDurationMs(body.advance)
    if (ms === undefined) return { advance: ['must be a duration such as 90d, 12h, 30m, 45s or 1d12h'] }
    return ms <= LONGEST_MS ? {} : { advance: [`must be at most ${LONGEST_MS / DAY_MS}d`] }
  },
  async handle(app, { body }) {
    const startMs = app.clock.offsetMs()
    const advanceMs = parseDurationMs(body.advance)!
    if (app.clock.now().getTime() + advanceMs > END_OF_TIME.getTime()) {
      const problem =
        'must end before the year 2200; start with another data folder or database for a clock of today'
      fail('invalid_field', `advance ${problem}.`, { errors: { advance: [problem] } })
    }
    const advanced = await advanceClock(app, advanceMs)
    if (advanced.problem === 'busy') {
      return fail('request_in_progress', 'Another call is moving the clock. Try again in a moment.', {
        retryAfterSeconds: RETRY_SECONDS,
      })
    }
    if (advanced.problem === 'not_idle') {
      return fail(
        'request_in_progress',
        `The clock stands at ${wireTime(app.clock.now())}; still at work: ${advanced.lanes.join(', ')}. Call again to go on.`,
        { retryAfterSeconds: RETRY_SECONDS },
      )
    }
    await app.pricing.prices.refresh()
    return {
      now: wireTime(app.clock.now()),
      advanced_by_seconds: Math.round((app.clock.offsetMs() - startMs) / 1000),
      rows: advanced.rows,
      steps: advanced.steps,
    }
  },
})
