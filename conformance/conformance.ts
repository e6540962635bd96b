import type { World } from './actions.ts'
import { createClient, NoAnswer, type Pair } from './client.ts'
import { watchEveryAnswer } from './every-answer.ts'
import { choose, loadPreparations, loadSections } from './load.ts'
import { isObject } from './match.ts'
import type { Exchange, Result } from './model.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import { createRunner, type Lacks } from './runner.ts'
import { getAt, type Scope } from './template.ts'
import { constantValues } from './values.ts'

export interface Given {
  baseUrl: string
  first: Pair
  second: Pair | undefined
  only: readonly string[]
  receiverUrl?: string | undefined
  receiverPort?: number
}

/** Is told what happens while it happens. */
export interface Progress {
  begin(total: number): void
  section(name: string): void
  running(title: string): void
  done(results: readonly Result[]): void
}

/** Runs the chosen cases against the server and answers all results, in order. Throws `NoAnswer` when there is none. */
export async function runConformance(given: Given, progress: Progress): Promise<Result[]> {
  const sections = choose(loadSections(), given.only)
  const everyAnswer = watchEveryAnswer()
  const client = createClient({ ...given, onExchange: everyAnswer.see })
  await client.authenticate()
  const receiver = await startReceiver({ port: given.receiverPort ?? 0, publicUrl: given.receiverUrl })
  const world: World = { client, receiver, first: given.first }
  const found = await client.send({ method: 'GET', path: '/api/sandbox' })
  const runner = createRunner({
    world,
    lacks: findLacks(given, found),
    preparations: loadPreparations(),
    constants: Object.assign(constantValues(), namesOf(given, receiver, found)),
  })
  const results: Result[] = []
  const restore = await takeSubscriptions(world)
  try {
    progress.begin(sections.reduce((total, { cases }) => total + cases.length, 0))
    for (const { section, cases } of sections) {
      progress.section(section)
      for (const one of cases) {
        progress.running(one.title)
        const told = await runner.run(section, one)
        results.push(...told)
        progress.done(told)
      }
    }
  } finally {
    await restore()
    await receiver.close()
  }
  progress.section('Every answer')
  const rules = everyAnswer.results()
  progress.done(rules)
  return [...results, ...rules]
}

function findLacks({ second }: Given, sandbox: Exchange): Lacks {
  const { answer } = sandbox
  const offers = answer.status === 200 && getAt(answer.body, 'status') === 'ok'
  return {
    ...(!offers && {
      sandbox: `GET /api/sandbox answers ${answer.status} ${getAt(answer.body, 'error') ?? ''}: no sandbox to verify, pay and move the clock in`,
    }),
    ...(!second && { second: 'no second pair was given (--second-key, --second-secret)' }),
  }
}

function namesOf({ first, second }: Given, receiver: Receiver, sandbox: Exchange): Scope {
  const magic = getAt(sandbox.answer.body, 'data.magic_values')
  const blocked = Array.isArray(magic) && magic.find((one) => isObject(one) && one.where === 'wallet')
  return {
    api_key: first.apiKey,
    api_secret: first.apiSecret,
    ...(second && { second_key: second.apiKey, second_secret: second.apiSecret }),
    receiver_url: receiver.url,
    ...(blocked && { blocked_wallet: blocked.value }),
  }
}

/** Ends the subscriptions that are there, so that cases begin without any; what it answers puts them back. */
async function takeSubscriptions({ client }: World): Promise<() => Promise<void>> {
  const list = async (): Promise<{ type: string; url: string }[]> => {
    const { answer } = await client.send({ method: 'GET', path: '/api/webhooks/subscriptions' })
    const data = getAt(answer.body, 'data')
    return Array.isArray(data) ? data : []
  }
  const end = async (): Promise<void> => {
    for (const { type } of await list()) {
      await client.send({ method: 'POST', path: '/api/unsubscribeFromWebhook', json: { type } })
    }
  }
  const before = await list()
  await end()
  return async () => {
    try {
      // The clock may have aged the token.
      await client.authenticate()
      await end()
      for (const { type, url } of before) {
        await client.send({ method: 'POST', path: '/api/subscribeToWebhook', json: { type, url } })
      }
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
    }
  }
}
