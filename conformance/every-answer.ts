import { isObject } from './match.ts'
import type { Exchange, Mark, Problem, RequestSpec, Result } from './model.ts'

interface Rule {
  id: string
  title: string
  mark: Mark
  /** What is wrong with the answer, if anything. */
  judge(exchange: Exchange, request: RequestSpec): Omit<Problem, 'exchange'>[]
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/

const at = (where: string, expected: string, got: unknown): Omit<Problem, 'exchange'>[] => [
  { where, expected, got: got === undefined ? 'nothing' : String(JSON.stringify(got)) },
]

const isApi = ({ path }: RequestSpec): boolean => path.startsWith('/api/')
const isRefusal = ({ answer }: Exchange): boolean => isObject(answer.body) && answer.body.status === 'error'

/** What holds of every answer, whatever was asked: judged on all that a run receives. */
const RULES: readonly Rule[] = [
  {
    id: 'request_id',
    title: 'every answer carries X-Request-Id',
    mark: 'chosen',
    judge: ({ answer }, request) =>
      !isApi(request) || answer.headers['x-request-id'] ? [] : at('X-Request-Id', 'an id', undefined),
  },
  {
    id: 'rate_headers',
    title: 'every answer carries RateLimit and RateLimit-Policy, whoever calls and however it is refused',
    mark: 'chosen',
    judge: ({ answer }, request) =>
      ['ratelimit', 'ratelimit-policy'].flatMap((name) =>
        !isApi(request) || answer.headers[name] ? [] : at(name, 'the header', undefined),
      ),
  },
  {
    id: 'content_type',
    title: 'every answer is application/json; charset=utf-8',
    mark: 'documented',
    judge: ({ answer }, request) =>
      !isApi(request) ||
      answer.headers['content-type']?.replaceAll(' ', '').toLowerCase() === 'application/json;charset=utf-8'
        ? []
        : at('content-type', 'application/json; charset=utf-8', answer.headers['content-type']),
  },
  {
    id: 'error_and_message',
    title: 'every refusal has a code in error and a text in message',
    mark: 'chosen',
    judge(exchange) {
      if (!isRefusal(exchange)) return []
      const { error, message } = exchange.answer.body as Record<string, unknown>
      return [
        ...(typeof error === 'string' && /^[a-z][a-z0-9_]*$/.test(error) ? [] : at('error', 'a code', error)),
        ...(typeof message === 'string' && message.trim() !== '' ? [] : at('message', 'a text', message)),
      ]
    },
  },
  {
    id: 'preference_applied',
    title: 'Preference-Applied: http-status answers Prefer: http-status, and nothing else',
    mark: 'chosen',
    judge({ answer }, request) {
      const { honest = false } = request
      const applied = answer.headers['preference-applied']
      if (!isApi(request) || applied === (honest ? 'http-status' : undefined)) return []
      return at('preference-applied', honest ? 'http-status' : 'no such header', applied)
    },
  },
  {
    id: 'times',
    title: 'every time is ISO 8601 in UTC with six decimals',
    mark: 'documented',
    judge: ({ answer }) =>
      walk(answer.body).flatMap(({ where, key, value }) =>
        !/(^|_)at$|^now$/.test(key) || typeof value !== 'string' || TIME.test(value)
          ? []
          : at(where, 'a time such as 2026-06-26T10:30:00.000000Z', value),
      ),
  },
  {
    id: 'snake_case',
    title: 'every field’s name is snake_case',
    mark: 'documented',
    judge: ({ answer }, { path }) =>
      path.startsWith('/api/sandbox')
        ? []
        : walk(answer.body).flatMap(({ where, key }) =>
            where.startsWith('errors.') || /^[a-z][a-z0-9_]*$/.test(key) ? [] : at(where, 'snake_case', key),
          ),
  },
  {
    id: 'nothing_inside',
    title: 'no answer tells of the server’s inside',
    mark: 'chosen',
    judge: ({ answer }, request) =>
      isApi(request) && /\bat [\w.<>]+ \(.*:\d+:\d+\)|node_modules|SQLSTATE|syntax error at/.test(answer.text)
        ? at('body', 'no stack trace, no SQL', answer.text.slice(0, 300))
        : [],
  },
  {
    id: 'no_internal_error',
    title: 'no answer is unexpected_error or a 5xx that the contract does not name',
    mark: 'chosen',
    judge: ({ answer }) =>
      (answer.status >= 500 && ![502, 503].includes(answer.status)) ||
      (isObject(answer.body) && answer.body.error === 'unexpected_error')
        ? at('error', 'no internal error', answer.text.slice(0, 300))
        : [],
  },
]

const MOST_PROBLEMS = 5

/** Collects what every answer of a run breaks of these rules. */
export function watchEveryAnswer() {
  let answers = 0
  const problems = new Map<string, Problem[]>(RULES.map(({ id }) => [id, []]))
  return {
    see(exchange: Exchange, request: RequestSpec): void {
      answers += 1
      for (const rule of RULES) {
        const known = problems.get(rule.id)!
        if (known.length >= MOST_PROBLEMS) continue
        known.push(...rule.judge(exchange, request).map((problem) => ({ ...problem, exchange })))
      }
    },
    results(): Result[] {
      return RULES.map(({ id, title, mark }) => ({
        section: 'Every answer',
        id: `every_answer.${id}`,
        title,
        mark,
        outcome: problems.get(id)!.length > 0 ? 'failed' : answers > 0 ? 'passed' : 'skipped',
        ...(answers === 0 && { reason: 'no answer came' }),
        problems: problems.get(id)!.slice(0, MOST_PROBLEMS),
        durationMs: 0,
      }))
    },
  }
}

function walk(value: unknown, where = ''): { where: string; key: string; value: unknown }[] {
  if (Array.isArray(value)) return value.flatMap((inner, index) => walk(inner, `${where}[${index}]`))
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const path = where ? `${where}.${key}` : key
    return [{ where: path, key, value: inner }, ...walk(inner, path)]
  })
}
