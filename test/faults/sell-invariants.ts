import assert from 'node:assert/strict'
import type { Address } from 'viem'
import { findAsset } from '../../src/money/asset.ts'
import { eventually } from '../support/app.ts'
import { arrivedOnChain } from './buyers.ts'
import { runCli } from './invariants.ts'
import type { SellWorld } from './sell-world.ts'
import { partOf, planOf, type Sold } from './sellers.ts'

/**
 * What must hold however the program was treated: each sale in the end that its case has; each deposit on the chain
 * counted once, and nothing else; the bank sent each customer's money once, and to nobody else; what goes back arrived
 * once; each event heard under one id, in order; the books at zero, and right against the chain and the bank.
 */
export async function checkSales(world: SellWorld, withinMs = 180_000): Promise<void> {
  const { sellers } = world
  const wires = new Map<Sold, SaleWire>()
  for (const one of sellers.sold) {
    assert.ok(one.done.inTime, `${describe(one)}: its coins were not sent`)
    wires.set(one, await endsRight(world, one, withinMs))
  }
  await comesToRest(world, withinMs)
  await checkDeposits(world)
  await checkBank(world, wires)
  for (const one of sellers.sold) await checkBack(world, one)
  for (const one of sellers.sold) await isTold(world, one, withinMs)
  await checkBooks(world)
  const { code, output } = await runCli(world.program, ['ledger', 'verify'])
  assert.equal(code, 0, output)
}

interface SaleWire {
  status: string
  fiat_amount: string
  received_amount: string
}

const describe = ({ saleId, externalId, kind, chain, symbol }: Sold): string =>
  `sale ${saleId} (${externalId}, ${kind}, ${chain} ${symbol})`

async function endsRight({ buyers }: SellWorld, one: Sold, withinMs: number): Promise<SaleWire> {
  const { ends } = planOf(one.kind)
  let last: (SaleWire & { payout: unknown; refund: unknown }) | undefined
  try {
    return await eventually(
      'its end',
      async () => {
        const { data } = await buyers.api('GET', `/api/getRampoff?id=${one.saleId}`)
        last = data
        return data?.status === ends && data
      },
      withinMs,
    )
  } catch {
    throw new Error(`${describe(one)} should end in ${ends}, but is ${JSON.stringify(last)}`)
  }
}

/** Waits until no money and no coins are on their way, sweeps included. */
async function comesToRest({ database }: SellWorld, withinMs: number): Promise<void> {
  let open: unknown[] = []
  try {
    await eventually(
      'all that is on its way',
      async () => {
        const { rows } = await database.query(
          `select reference, purpose, door, asset, state, reason from effects
            where state in ('planned', 'reserved', 'prepared', 'sent', 'unknown')
            union all
           select 'sweep', id, address, asset, state, reason from sweeps where state in ('gas', 'coins') limit 10`,
        )
        open = rows
        return rows.length === 0
      },
      withinMs,
    )
  } catch {
    throw new Error(`It is still on its way: ${JSON.stringify(open)}`)
  }
}

/** What the chain says came from outside is what was counted, transfer by transfer. */
async function checkDeposits({ database, sellers, senders }: SellWorld): Promise<void> {
  const { rows: ours } = await database.query<{ address: string }>('select address from wallets')
  const own = new Set(ours.map(({ address }) => address.toLowerCase()))
  const { rows: counted } = await database.query<{
    asset: string
    units: string
    tx_hash: string
    address: string
    outcome: string | null
    journals: string
  }>(
    `select asset, units, tx_hash, address, outcome,
            (select count(*) from journals where purpose = 'deposit:' || d.id) as journals
       from deposits d where state = 'final'`,
  )
  const addresses = sellers.sold.map(({ address }) => address!)
  const byLog = []
  for (const { chain } of senders.chains) {
    for (const one of await senders.arrived(chain, addresses)) {
      if (!own.has(one.from.toLowerCase()))
        byLog.push(keyOf(`${chain}:${one.symbol}`, one.units, one.hash, one.to))
    }
  }
  // Native coins leave no log: those are known by whoever sent them.
  for (const { address, sent } of sellers.sold)
    for (const { chain, symbol, units, hash } of sent)
      if (findAsset(chain, symbol)!.kind === 'native')
        byLog.push(keyOf(`${chain}:${symbol}`, units, hash, address!))
  assert.deepEqual(
    counted.map((row) => keyOf(row.asset, row.units, row.tx_hash, row.address as Address)).sort(),
    byLog.sort(),
  )
  const known = sellers.sold.flatMap(({ address, sent }) =>
    sent.map(({ chain, symbol, units, hash }) => keyOf(`${chain}:${symbol}`, units, hash, address!)),
  )
  assert.deepEqual(byLog.sort(), known.sort(), 'the chain and whoever sent')
  for (const row of counted) assert.deepEqual([row.outcome !== null, row.journals], [true, '1'], row.tx_hash)
}

const keyOf = (asset: string, units: bigint | string, hash: string, to: Address): string =>
  `${hash} ${units} ${asset} to ${to.toLowerCase()}`

/** The bank's own table is the witness: one transfer for each sale that was paid, of its amount, none for others. */
async function checkBank(
  { database, sellers }: SellWorld,
  wires: ReadonlyMap<Sold, SaleWire>,
): Promise<void> {
  const { rows } = await database.query<{ concept: string; iban: string; state: string; units: string }>(
    `select concept, counterparty_iban as iban, state, units from simulated.bank_transfers where direction = 'out'`,
  )
  const orders = Map.groupBy(rows, ({ concept }) => concept)
  for (const one of sellers.sold) {
    const { fiat_amount: amount } = wires.get(one)!
    const found = (orders.get(`Sale ${one.saleId}`) ?? []).map(({ iban, state, units }) => [
      iban,
      state,
      units,
    ])
    const state = stateAtBank(one)
    const expected = state ? [[one.iban, state, String(BigInt(amount.replace('.', '')))]] : []
    assert.deepEqual(found, expected, `${describe(one)} at the bank`)
    orders.delete(`Sale ${one.saleId}`)
  }
  assert.deepEqual([...orders.values()], [], 'nobody else was paid')
}

function stateAtBank({ kind }: Sold): string | null {
  const { bank, ends, hears } = planOf(kind)
  if (bank === 'return') return 'returned'
  if (bank === 'reject') return 'rejected'
  return ends === 'finished' && hears.includes('TRANSFER_RAMPOFF_FINISHED') ? 'booked' : null
}

/** What goes back arrived once, in the wallet that the customer gave; nothing else did. */
async function checkBack({ program, senders }: SellWorld, one: Sold): Promise<void> {
  const { back } = planOf(one.kind)
  const { url } = program.nodes().find(({ chain }) => chain === one.chain)!
  const { tokens } = senders.chains.find(({ chain }) => chain === one.chain)!
  const due = back ? partOf(one, back) : null
  for (const symbol of new Set([one.symbol, due?.symbol ?? one.symbol])) {
    const wallet = { chain: one.chain, symbol, wallet: one.refundWallet }
    const expected = due?.symbol === symbol ? { units: due.units, transfers: 1 } : { units: 0n, transfers: 0 }
    assert.deepEqual(await arrivedOnChain(url, tokens, wallet), expected, `${describe(one)}: ${symbol} back`)
  }
}

async function isTold({ receiver }: SellWorld, one: Sold, withinMs: number): Promise<void> {
  const { hears } = planOf(one.kind)
  const heard = () => receiver.heard.get(one.saleId!) ?? []
  await eventually(
    `${hears.length} events of ${describe(one)}, which has ${heard().map(({ type }) => type)}`,
    async () => heard().length >= hears.length,
    withinMs,
  )
  assert.deepEqual(
    heard().map(({ type }) => type),
    hears,
    `what was heard of ${describe(one)}`,
  )
  const sequences = heard().map(({ sequence }) => sequence)
  assert.deepEqual(
    sequences,
    [...sequences].sort((a, b) => a - b),
    `the order of ${describe(one)}`,
  )
}

/** The ledger sums to zero; of customers only those hold something whose sale a person has to look at. */
async function checkBooks({ database, sellers }: SellWorld): Promise<void> {
  const { rows: sums } = await database.query(
    'select asset, sum(units) from postings group by asset having sum(units) <> 0',
  )
  assert.deepEqual(sums, [])
  const { rows: customers } = await database.query<{ account: string }>(
    `select account from postings where starts_with(account, 'customer:') group by account, asset having sum(units) <> 0`,
  )
  const reviewed = new Set(
    sellers.sold.filter(({ kind }) => planOf(kind).ends === 'in_review').map(({ saleId }) => saleId),
  )
  assert.deepEqual(
    customers.filter(({ account }) => !reviewed.has(account.split(':')[1])),
    [],
    'customers of ended sales are owed nothing',
  )
}
