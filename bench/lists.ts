import { sql } from 'kysely'
import pg from 'pg'
import { type Api, openApi } from './api.ts'
import { FULL_IBAN, fillAccount } from './bank-line-tables.ts'
import { fillTables } from './growth-tables.ts'
import { type Benchmark, type Figure, median } from './measure.ts'
import { type ServerProcess, startProcess } from './servers.ts'
import { openWorld, type World } from './world.ts'

const FEW = 1_000
const MANY = Number(process.env.BENCH_ROWS ?? 1_000_000)
/** Of each list on each database, one after the other in turn. */
const READS = 1_000
const WARM_UP_READS = 100
const MOST = 1.2

const CUSTOMERS = '/api/customers/list'
const PAYMENTS = '/api/payments/list'
const BANK_LINES = `/api/banking/accounts/${FULL_IBAN}/transactions`
const PER_PAGE = 100

export const lists: Benchmark = {
  name: 'lists',
  about: `first pages of the lists of customers, payments and an account’s transactions at ${MANY} rows against ${FEW}`,
  async run(tell) {
    const { few, many, close } = await openSizes(fillLists, tell)
    try {
      const cursor = await findDeepCursor(many, PAYMENTS)
      const lineCursor = await findDeepCursor(many, BANK_LINES)
      const figures: Figure[] = []
      for (const [what, list, query] of [
        ['customers, the first page', CUSTOMERS, ''],
        ['payments, the first page', PAYMENTS, ''],
        ['payments, from a cursor half way', PAYMENTS, `?cursor=${cursor}`],
        ['customers that nobody is among', CUSTOMERS, '?kyc_status=processing&country=PT'],
        ['payments that none is among', PAYMENTS, '?status=refunded&payment_type=spei'],
        ['transactions of an account, the first page', BANK_LINES, ''],
        ['transactions of an account, from a cursor half way', BANK_LINES, `?cursor=${lineCursor}`],
        ['transactions that none is among', BANK_LINES, '?direction=debit&reconciled=false'],
      ] as const)
        figures.push(await compareLists(what, { few, many, list, query }))
      return figures
    } finally {
      await close()
    }
  },
}

export interface Size {
  rows: number
  databaseUrl: string
  server: ServerProcess
  api: Api
}

/** Fills a database with so many rows of what is listed, each of a customer of its own. */
export type Fill = (inside: Inside, rows: number, tell: (line: string) => void) => Promise<void>

export type Inside = Pick<ReturnType<World['open']>, 'db' | 'secrets'>

/** Two databases, one with few rows and one with many, and the program over each. */
export async function openSizes(
  fill: Fill,
  tell: (line: string) => void,
): Promise<{ few: Size; many: Size; close(): Promise<void> }> {
  const world = await openWorld()
  const few = await openSize(world, { name: 'few', rows: FEW, fill }, tell)
  const many = await openSize(world, { name: 'many', rows: MANY, fill }, tell)
  return {
    few,
    many,
    async close() {
      for (const { api, server } of [few, many]) {
        await api.close()
        await server.stop()
      }
      await world.stop()
    },
  }
}

async function openSize(
  world: World,
  { name, rows, fill }: { name: string; rows: number; fill: Fill },
  tell: (line: string) => void,
): Promise<Size> {
  const admin = new pg.Client({ connectionString: world.databaseUrl })
  await admin.connect()
  await admin.query(`create database ${name}`)
  await admin.end()
  const url = new URL(world.databaseUrl)
  url.pathname = `/${name}`
  const databaseUrl = String(url)
  const env = { ...world.env, DATABASE_URL: databaseUrl, ROLE: 'api' }
  const server = await startProcess('bench/serve-app.ts', [], env)
  const inside = world.open(databaseUrl)
  await fill(inside, rows, tell)
  await inside.close()
  return { rows, databaseUrl, server, api: await openApi(server.url, 1) }
}

/** The newest customers have something to be opened, which a list does for every one it shows. */
async function fillLists(inside: Inside, rows: number, tell: (line: string) => void): Promise<void> {
  const { db, secrets } = inside
  await fillTables(db, rows, tell)
  await fillAccount(inside, rows, tell)
  const key = secrets.newCustomerKey()
  const data = { name: 'Ana', last_name: 'García López', email: 'ana@example.com', phone: '+34600123456' }
  await sql`
    update customers set key_wrapped = ${key}, personal_sealed = ${secrets.sealFor(key, JSON.stringify(data))}
     where integration_id = 1 and id <= 1000100`.execute(db)
  await sql`vacuum analyze customers`.execute(db)
}

/** Median milliseconds of the list's first page where there are few, and of the page asked for where there are many. */
export async function compareLists(
  what: string,
  { few, many, list, query }: { few: Size; many: Size; list: string; query: string },
): Promise<Figure> {
  const times = { few: [] as number[], many: [] as number[] }
  const read = async ({ api }: Size, path: string): Promise<number> => {
    const beganMs = performance.now()
    await api.call('GET', path)
    return performance.now() - beganMs
  }
  for (let n = 0; n < WARM_UP_READS + READS; n += 1) {
    const [ofFew, ofMany] = [await read(few, list), await read(many, list + query)]
    if (n < WARM_UP_READS) continue
    times.few.push(ofFew)
    times.many.push(ofMany)
  }
  const [ofFew, ofMany] = [median(times.few), median(times.many)]
  return {
    what: `${what} at ${many.rows} rows`,
    measured: `${ofMany.toFixed(3)} ms`,
    baseline: `${ofFew.toFixed(3)} ms for the first page at ${few.rows}`,
    ratio: ofMany / ofFew,
    required: { atMost: MOST },
  }
}

/** The cursor of the page in the middle, found as a caller finds it: from page to page. */
export async function findDeepCursor({ api, rows }: Size, list: string): Promise<string> {
  let path = `${list}?per_page=${PER_PAGE}`
  for (let read = PER_PAGE; ; read += PER_PAGE) {
    const { pagination } = await api.page(path)
    if (read >= rows / 2) return pagination.next_cursor
    path = `${list}?per_page=${PER_PAGE}&cursor=${pagination.next_cursor}`
  }
}
