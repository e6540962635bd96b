import type { ChildProcess } from 'node:child_process'
import type { TestContext } from 'node:test'
import { eventually } from '../support/app.ts'
import type { TestDatabase } from '../support/database.ts'
import { createRandom, type Random } from '../support/random.ts'
import { type Buyers, createBuyers } from './buyers.ts'
import { checkInvariants, type Expected } from './invariants.ts'
import { openProgram, type Program } from './program.ts'
import { type FaultyReceiver, startFaultyReceiver } from './receiver.ts'

export interface FaultWorld {
  program: Program
  /** The processes that run, the one that listens first. */
  children: ChildProcess[]
  buyers: Buyers
  receiver: FaultyReceiver
  random: Random
  /** Orders faults of a simulated provider. */
  order(provider: string, kind: string, count?: number): Promise<void>
  /** Moves the platform's clock on. */
  pass(seconds: number): Promise<void>
  /** Buys that many at once, and waits until all are paid. */
  buyMany(count: number, how?: Parameters<Buyers['buy']>[0]): Promise<void>
  /** Goes on until every fault that was ordered has happened: what is left would meet the check. */
  meetFaults(next: () => Promise<unknown>): Promise<void>
  check(expected?: Expected): Promise<void>
  say(text: string): void
}

interface WorldOptions {
  seed: number
  processes?: number
  customers?: number
  /** How often the receiver of webhooks fails, of 1. */
  receiverFails?: number
  env?: Record<string, string>
  database?: TestDatabase
}

/** Gives `run` the program with customers and a receiver, and ends all of it, whatever happened. */
export async function inWorld(
  context: TestContext,
  { seed, processes = 1, customers = 4, receiverFails = 0, env = {}, database }: WorldOptions,
  run: (world: FaultWorld) => Promise<void>,
): Promise<void> {
  const begun = performance.now()
  const say = (text: string): void =>
    context.diagnostic(`${((performance.now() - begun) / 1000).toFixed(1)} s: ${text}`)
  say(`seed ${seed}`)
  const random = createRandom(seed)
  const program = await openProgram({ env, ...(database ? { database } : {}) })
  const receiver = await startFaultyReceiver(createRandom(seed + 1000), receiverFails)
  const buyers = createBuyers(program.url, random)
  try {
    const children = [await program.start()]
    while (children.length < processes) children.push(await program.start('worker'))
    for (const child of children)
      await eventually('a process to be ready', async () => program.isReady(child), 60_000)
    await buyers.prepare(customers)
    for (const type of ['PAY_IN', 'COINS_SENT'])
      await buyers.api('POST', '/api/subscribeToWebhook', { type, url: receiver.url })
    say(`${processes} process(es) and ${customers} customers are ready`)
    await run({
      program,
      children,
      buyers,
      receiver,
      random,
      say,
      async order(provider, kind, count = 1) {
        const answer = await buyers.api('POST', '/api/sandbox/faults', { provider, kind, count })
        if (answer.status !== 'ok') throw new Error(`${provider} ${kind}: ${answer.error}: ${answer.message}`)
      },
      async pass(seconds) {
        const answer = await buyers.api('POST', '/api/sandbox/clock', { advance: `${seconds}s` })
        if (answer.status !== 'ok') throw new Error(`The clock: ${answer.error}: ${answer.message}`)
      },
      async buyMany(count, how) {
        await Promise.all(Array.from({ length: count }, () => buyers.buy(how)))
      },
      async meetFaults(next) {
        const deadline = performance.now() + 120_000
        for (;;) {
          const { data } = await buyers.api('GET', '/api/sandbox')
          if (data.faults.length === 0) return
          if (performance.now() > deadline)
            throw new Error(`These faults never happened: ${JSON.stringify(data.faults)}`)
          await next()
          await new Promise((resolve) => setTimeout(resolve, 250))
        }
      },
      async check(expected) {
        await checkInvariants(program, buyers, receiver, expected)
        say(`${buyers.bought.length} payments checked`)
      },
    })
  } catch (error) {
    say(`the program wrote last:\n${program.output()}`)
    throw error
  } finally {
    buyers.stop()
    await program.stop()
    await receiver.stop()
  }
}
