import pg from 'pg'

/** One place in the life of a sale, by what is written there. */
interface KillPoint {
  table: string
  on: 'insert' | 'update'
  /** Of the row's `new` and, on update, `old`. */
  when: string
}

const became = (column: string, value: string): string =>
  `new.${column} = '${value}' and old.${column} is distinct from '${value}'`

/** Between each of these and the next the program can die. */
export const KILL_POINTS = {
  'the sale is made': { table: 'sales', on: 'insert', when: 'true' },
  'the deposit is seen': { table: 'deposits', on: 'insert', when: 'true' },
  'the deposit is final': { table: 'deposits', on: 'update', when: became('state', 'final') },
  'the deposit is booked': { table: 'journals', on: 'insert', when: "new.kind = 'deposit'" },
  'the coins are converted': {
    table: 'journals',
    on: 'insert',
    when: "new.kind = 'conversion' and new.purpose like 'sale:%'",
  },
  'the payout is planned': {
    table: 'effects',
    on: 'insert',
    when: "new.kind = 'bank_transfer' and new.reference like 'sale:%'",
  },
  'the deposit is worked off': {
    table: 'deposits',
    on: 'update',
    when: 'new.outcome is not null and old.outcome is null',
  },
  'the payout is about to leave': {
    table: 'effects',
    on: 'update',
    when: `new.kind = 'bank_transfer' and ${became('state', 'prepared')}`,
  },
  'the bank takes the order': {
    table: 'simulated.bank_transfers',
    on: 'insert',
    when: "new.direction = 'out'",
  },
  'the payout is known to be sent': {
    table: 'effects',
    on: 'update',
    when: `new.kind = 'bank_transfer' and ${became('state', 'sent')}`,
  },
  'the bank books it': {
    table: 'simulated.bank_transfers',
    on: 'update',
    when: `new.direction = 'out' and ${became('state', 'booked')}`,
  },
  'its line is read': { table: 'bank_transactions', on: 'insert', when: "new.direction = 'debit'" },
  'the payout is confirmed': {
    table: 'effects',
    on: 'update',
    when: `new.kind = 'bank_transfer' and ${became('state', 'confirmed')}`,
  },
  'the sale is finished': { table: 'sales', on: 'update', when: became('state', 'finished') },
  'its event is numbered': {
    table: 'events',
    on: 'update',
    when: "new.sequence is not null and old.sequence is null and new.stream like 'rampoff:%'",
  },
  'the sweep begins': { table: 'sweeps', on: 'insert', when: 'true' },
  'gas for the sweep is planned': {
    table: 'effects',
    on: 'insert',
    when: "new.reference like 'sweep:%' and new.purpose like '%:gas:%'",
  },
  'the gas is there': {
    table: 'effects',
    on: 'update',
    when: `new.purpose like 'sweep:%:gas:%' and ${became('state', 'confirmed')}`,
  },
  'the sweep of the coins is planned': {
    table: 'effects',
    on: 'insert',
    when: "new.reference like 'sweep:%' and new.purpose like '%:coins:%'",
  },
  'a transaction is prepared': {
    table: 'chain_transactions',
    on: 'update',
    when: became('state', 'prepared'),
  },
  'a transaction is sent': { table: 'chain_transactions', on: 'update', when: became('state', 'sent') },
  'the coins are swept': { table: 'sweeps', on: 'update', when: became('state', 'done') },
} as const satisfies Record<string, KillPoint>

export type KillPointName = keyof typeof KILL_POINTS

/**
 * `before`: the transaction that writes it stands still right there and never commits, while all before it is done.
 * `after`: it has just committed, and nobody has gone on.
 */
export type Moment = 'before' | 'after'

export interface KillPoints {
  /** Resolves when the program has come to the point; it holds there until `release`, at the moment `before`. */
  reach(name: KillPointName, moment: Moment, withinMs?: number): Promise<void>
  release(): Promise<void>
  close(): Promise<void>
}

/** The first number of the advisory locks; it means nothing. */
const LOCK_CLASS = 7_264_900
const NAMES = Object.keys(KILL_POINTS) as KillPointName[]
const LOOK_MS = 3

/** Has the database tell, and stop, whoever comes to one of the points. */
export async function installKillPoints(connectionString: string): Promise<KillPoints> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  await client.query(`
    create function fault_point() returns trigger language plpgsql as $$ begin
      perform pg_advisory_xact_lock_shared(${LOCK_CLASS}, tg_argv[0]::integer);
      perform pg_notify('fault_points', tg_argv[0]);
      return null;
    end $$`)
  for (const [index, name] of NAMES.entries()) {
    const { table, on, when } = KILL_POINTS[name]
    await client.query(
      `create trigger fault_point_${index} after ${on} on ${table} for each row when (${when})
       execute function fault_point('${index}')`,
    )
  }
  await client.query('listen fault_points')
  let told: (index: number) => void = () => {}
  client.on('notification', ({ payload }) => told(Number(payload)))
  let held: number | null = null

  const wait = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK_MS))

  return {
    async reach(name, moment, withinMs = 60_000) {
      const index = NAMES.indexOf(name)
      const deadline = performance.now() + withinMs
      const late = (): Error => new Error(`The program did not come to where ${name} within ${withinMs} ms.`)
      if (moment === 'after') {
        let reached = false
        told = (one) => {
          reached ||= one === index
        }
        while (!reached) {
          if (performance.now() > deadline) throw late()
          await wait()
        }
        return
      }
      await client.query('select pg_advisory_lock($1, $2)', [LOCK_CLASS, index])
      held = index
      for (;;) {
        const { rowCount } = await client.query(
          "select from pg_locks where locktype = 'advisory' and classid = $1 and objid = $2 and not granted",
          [LOCK_CLASS, index],
        )
        if (rowCount) return
        if (performance.now() > deadline) throw late()
        await wait()
      }
    },
    async release() {
      if (held === null) return
      await client.query('select pg_advisory_unlock($1, $2)', [LOCK_CLASS, held])
      held = null
    },
    close: () => client.end(),
  }
}
