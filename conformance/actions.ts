import { type Client, NoAnswer, type Pair } from './client.ts'
import { isObject, match } from './match.ts'
import type { Exchange, RequestSpec } from './model.ts'
import type { Delivery, Receiver } from './receiver.ts'
import { prove } from './signature.ts'
import { getAt } from './template.ts'

export interface World {
  client: Client
  receiver: Receiver
  first: Pair
}

/** What steps can do besides one request. Each answers like a request, so that the data files can judge it. */
export const ACTIONS: Record<string, (world: World, given: never) => Promise<Exchange>> = {
  at_once: sendAtOnce,
  walk_list: walkList,
  advance_clock: advanceClock,
  await_webhooks: awaitWebhooks,
  refuse_webhooks: refuseWebhooks,
  add_up_quote: addUpQuote,
}

const found = (body: unknown, curl: string): Exchange => ({
  answer: { status: 200, headers: {}, body, text: JSON.stringify(body) },
  curl,
})

const PATIENCE_MS = 15_000

/**
 * The same request `times` times at the same moment, each sent again while the first still runs. Tells how many
 * different answers there were, how many said to be replayed, and the first answer.
 */
async function sendAtOnce(
  { client }: World,
  { request, times }: { request: RequestSpec; times: number },
): Promise<Exchange> {
  const deadline = performance.now() + PATIENCE_MS
  const once = async (): Promise<Exchange> => {
    for (;;) {
      const sent = await client.send(request)
      const isRunning = getAt(sent.answer.body, 'error') === 'request_in_progress'
      if (!isRunning || performance.now() > deadline) return sent
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  const all = await Promise.all(Array.from({ length: times }, once))
  const [one] = all as [Exchange, ...Exchange[]]
  return found(
    {
      different: new Set(all.map(({ answer }) => answer.text)).size,
      replayed: all.filter(({ answer }) => answer.headers['idempotent-replayed'] === 'true').length,
      statuses: [...new Set(all.map(({ answer }) => answer.status))],
      answer: one.answer.body,
    },
    `${one.curl}   # ${times} times at once`,
  )
}

const MOST_PAGES = 12

/**
 * Goes through a list by cursor and by page, `per_page` rows at a time, at most a dozen pages of each, and tells what
 * is odd: rows that came twice, pages that are not full before the last, an order that is not newest first, and rows
 * that the two ways disagree on.
 */
async function walkList(
  { client }: World,
  given: { path: string; query?: Record<string, unknown>; per_page: number },
): Promise<Exchange> {
  const { path, query = {}, per_page } = given
  let curl = ''
  const read = async (where: Record<string, unknown>) => {
    const sent = await client.send({ method: 'GET', path, query: { ...query, per_page, ...where } })
    curl ||= sent.curl
    const data = getAt(sent.answer.body, 'data')
    if (!Array.isArray(data)) throw new Error(`${path} answers no list: ${sent.answer.text.slice(0, 300)}`)
    return { data: data as Record<string, unknown>[], pagination: getAt(sent.answer.body, 'pagination') }
  }
  const byCursor: Record<string, unknown>[] = []
  const short: number[] = []
  const first = await read({})
  let page = first
  let pages = 1
  for (; ; pages += 1) {
    byCursor.push(...page.data)
    const cursor = getAt(page.pagination, 'next_cursor')
    if (typeof cursor !== 'string' || pages >= MOST_PAGES) break
    if (page.data.length !== per_page) short.push(pages)
    page = await read({ cursor })
  }
  const byPage: Record<string, unknown>[] = [...first.data]
  for (let number = 2; number <= pages; number += 1) byPage.push(...(await read({ page: number })).data)
  const ids = byCursor.map(({ id }) => id)
  const times = byCursor.map(({ created_at }) => String(created_at))
  return found(
    {
      pages,
      rows: ids.length,
      ids,
      total: getAt(first.pagination, 'total'),
      last_page: getAt(first.pagination, 'last_page'),
      twice: ids.filter((id, index) => ids.indexOf(id) !== index),
      short_pages: short,
      newest_first: times.every((time, index) => index === 0 || time <= times[index - 1]!),
      pages_agree: JSON.stringify(byPage.map(({ id }) => id)) === JSON.stringify(ids),
      cursor_pagination: pages > 1 ? page.pagination : null,
    },
    curl,
  )
}

const CLOCK_PATIENCE_MS = 120_000

/** Moves the sandbox's clock and gets new tokens, as the old ones age with it. */
async function advanceClock({ client }: World, { by }: { by: string }): Promise<Exchange> {
  const deadline = performance.now() + CLOCK_PATIENCE_MS
  for (;;) {
    const sent = await client.send({ method: 'POST', path: '/api/sandbox/clock', json: { advance: by } })
    const isBusy = getAt(sent.answer.body, 'error') === 'request_in_progress'
    if (isBusy && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 1000))
      continue
    }
    if (getAt(sent.answer.body, 'status') !== 'ok') {
      throw new NoAnswer(`The sandbox’s clock can’t be moved by ${by}: ${sent.answer.text.slice(0, 300)}`)
    }
    await client.authenticate()
    return sent
  }
}

/**
 * Waits until `count` deliveries that match have come, and tells of all that match: their bodies and headers, what is
 * wrong with their proofs, and whether types and sequences came in order.
 */
async function awaitWebhooks(
  { receiver, first }: World,
  given: { matching: unknown; count: number; within_ms?: number },
): Promise<Exchange> {
  const deadline = performance.now() + (given.within_ms ?? PATIENCE_MS)
  let came: Delivery[] = []
  for (;;) {
    came = receiver.deliveries.filter(({ body }) => match(given.matching, body).length === 0)
    const leftMs = deadline - performance.now()
    if (came.length >= given.count || leftMs <= 0) break
    await receiver.next(Math.min(leftMs, 1000))
  }
  const sequences = came.map(({ body }) => Number(body.sequence))
  return found(
    {
      count: came.length,
      types: came.map(({ body }) => body.type),
      in_order: sequences.every((sequence, index) => index === 0 || sequence >= sequences[index - 1]!),
      deliveries: came.map(({ body, rawBody, headers, receivedAtMs }) => ({
        proof: prove({ headers, rawBody, ...first, nowMs: receivedAtMs }),
        headers,
        body,
      })),
      ...(came.length < given.count && {
        others: receiver.deliveries.slice(-10).map(({ body }) => (isObject(body) ? body.type : 'no JSON')),
      }),
    },
    `# deliveries to ${receiver.url} that match ${JSON.stringify(given.matching)}`,
  )
}

/** Has the receiver answer the next deliveries of a type with a status of its own. */
async function refuseWebhooks(
  { receiver }: World,
  { type, status, times }: { type: string; status: number; times: number },
): Promise<Exchange> {
  receiver.answerNext(type, status, times)
  return found({ refusing: type }, '# the receiver')
}

/** Computes a quote's tokens from its other figures: floor((amount − fee − network_fee) ÷ price) at six more digits. */
async function addUpQuote(
  _world: World,
  { quote, decimals }: { quote: Record<string, string>; decimals: number },
): Promise<Exchange> {
  const scale = 12
  const units = (text: string | undefined): bigint => {
    const [whole = '', fraction = ''] = String(text).split('.')
    return BigInt(whole + fraction.padEnd(scale, '0').slice(0, scale))
  }
  const converted = units(quote.amount) - units(quote.fee) - units(quote.network_fee)
  const tokens = (converted * 10n ** BigInt(decimals)) / units(quote.price)
  const digits = String(tokens).padStart(decimals + 1, '0')
  return found(
    { tokens_exact: `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}` },
    `# floor((${quote.amount} − ${quote.fee} − ${quote.network_fee}) ÷ ${quote.price})`,
  )
}
