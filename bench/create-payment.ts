import { createHash } from 'node:crypto'
import pg from 'pg'
import { pino } from 'pino'
import { createApp } from '../src/app.ts'
import { loadConfig } from '../src/kernel/config.ts'
import { newPaymentId } from '../src/kernel/ids.ts'
import { type Api, openApi, untilAnswered } from './api.ts'
import { type Benchmark, interleave, rate } from './measure.ts'
import { addCustomers, liftLimits } from './people.ts'
import { recordStatements, type Statement } from './recorded-statements.ts'
import { startProcess } from './servers.ts'
import { openWorld, type World } from './world.ts'

const ROUNDS = 9
const SECONDS = 2
const CONNECTIONS = 16
const CUSTOMERS = 20_000

export const createPayment: Benchmark = {
  name: 'create-payment',
  about: 'POST /api/createGuidedPayment against the same SQL statements issued by a bare pg pool',
  async run(tell) {
    const world = await openWorld()
    const app = await startProcess('bench/serve-app.ts', [], { ...world.env, ROLE: 'api' })
    const customers = await addPeople(world)
    const next = cycle(customers)
    const api = await openApi(app.url, CONNECTIONS)
    const pool = new pg.Pool({ connectionString: world.databaseUrl, max: CONNECTIONS })
    try {
      await untilAnswered(() => create(api, next()))
      const statements = await recordCreation(world, next())
      tell(`one creation is ${statements.length} statements, begin and commit among them`)
      const replay = createReplay(pool, statements, next)
      const { a, b, ratio } = await interleave(
        ROUNDS,
        () => rate(SECONDS, CONNECTIONS, () => create(api, next())),
        () => rate(SECONDS, CONNECTIONS, replay),
        tell,
      )
      return [
        {
          what: 'payments created',
          measured: `${Math.round(a)}/s`,
          baseline: `${Math.round(b)}/s by the same SQL alone`,
          ratio,
          required: { atLeast: 0.4 },
        },
      ]
    } finally {
      await pool.end()
      await api.close()
      await app.stop()
      await world.stop()
    }
  },
}

const WALLET = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'

const create = (api: Api, customerId: number): Promise<void> =>
  api.call('POST', '/api/createGuidedPayment', {
    user_id: customerId,
    coin_symbol: 'USDC',
    coin_chain: 'polygon',
    fiat_amount: '150.50',
    wallet: WALLET,
  })

async function addPeople(world: World): Promise<number[]> {
  const inside = world.open()
  try {
    await liftLimits(inside.db)
    return await addCustomers(inside, CUSTOMERS)
  } finally {
    await inside.close()
  }
}

function cycle(customers: readonly number[]): () => number {
  let place = 0
  return () => customers[place++ % customers.length]!
}

/** What one creation sends, taken down from the program itself; the answer names the payment it made. */
async function recordCreation(world: World, customerId: number): Promise<Statement[]> {
  const config = loadConfig({ ...world.env, ROLE: 'api' })
  const running = await createApp({
    config,
    databaseUrl: world.databaseUrl,
    log: pino({ level: 'error' }),
    localChains: false,
  })
  const take = recordStatements(running.app.pool)
  const { url } = await running.start()
  const api = await openApi(url, 1)
  try {
    await untilAnswered(() => create(api, customerId))
    await running.app.pricing.stop()
    take()
    const { payment_id } = await api.call<{ payment_id: string }>('POST', '/api/createGuidedPayment', {
      user_id: customerId,
      coin_symbol: 'USDC',
      coin_chain: 'polygon',
      fiat_amount: '150.50',
      wallet: WALLET,
    })
    return take().map(({ text, values }) => ({
      text,
      values: values.map((value) =>
        value === payment_id ? PAYMENT : value === customerId ? CUSTOMER : value,
      ),
    }))
  } finally {
    await api.close()
    await running.stop()
  }
}

const PAYMENT = Symbol('payment')
const CUSTOMER = Symbol('customer')

/** The same statements, prepared as the program has them, for other customers and under new ids. */
function createReplay(
  pool: pg.Pool,
  statements: readonly Statement[],
  next: () => number,
): () => Promise<void> {
  const named = statements.map(({ text, values }) => ({ text, values, name: nameOf(text) }))
  const texts = named.map(({ text }) => text)
  if (
    !named.some(({ values }) => values.includes(PAYMENT)) ||
    !texts.includes('begin') ||
    texts.at(-1) !== 'commit'
  )
    throw new Error(`This is no creation of a payment: ${texts.join('; ')}`)
  return async () => {
    const payment = newPaymentId()
    const customer = next()
    const client = await pool.connect()
    try {
      for (const { text, values, name } of named) {
        if (values.length === 0) await client.query(text)
        else
          await client.query({
            name,
            text,
            values: values.map((value) =>
              value === PAYMENT ? payment : value === CUSTOMER ? customer : value,
            ),
          })
      }
    } finally {
      client.release()
    }
  }
}

const nameOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 20)
