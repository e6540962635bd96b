import { Command } from 'commander'
import type { App } from '../app.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { changePayee, type PayeeChange } from '../offramp/change-payee.ts'
import {
  abandonSale,
  describeSale,
  listSaleReviews,
  paySaleAgain,
  releaseSale,
  returnSale,
} from '../offramp/review-sale.ts'
import { heldCoins, payoutsOf, returnsOf, saleCoin, saleFiat } from '../offramp/sale.ts'
import { printTable, recorded, withApp } from './context.ts'

interface Options {
  who: string
  why: string
}

/** `sale list|show|release|pay-again|return|abandon`: sales that wait for a person. */
export function saleCommand(): Command {
  const command = new Command('sale').description('sales that wait for a person, and what became of a sale')
  command
    .command('list')
    .description('what waits, oldest first, and why')
    .action(async () => printTable(await withApp(describeSaleReviews), 'No sale waits for a person.'))
  command
    .command('show')
    .description('a sale, its deposits, payouts and returns')
    .argument('<id>')
    .action(async (id: string) => show(await withApp((app) => describeSale(app, id))))
  recorded(command.command('release'))
    .description('let it go on: what is held is converted and paid out')
    .argument('<id>', 'a sale of "sale list"')
    .action((id: string, options: Options) => act(id, 'goes on', (app) => releaseSale(app, id, options)))
  recorded(command.command('pay-again'))
    .description('order the payout again, to another account of the customer')
    .argument('<id>', 'a sale of "sale list"')
    .option('--iban <iban>', 'the account, in a SEPA country')
    .option('--account <number>', 'the account, where the customer has a local one')
    .option('--name <name>', "the account's holder; as before unless told")
    .action((id: string, { iban, account, name, ...options }: Options & PayeeChange) =>
      act(id, 'is paid again', (app) =>
        paySaleAgain(app, id, {
          ...options,
          payee: (before) => changePayee(before, { iban, account, name }),
        }),
      ),
    )
  recorded(command.command('return'))
    .description('refuse it: the coins that were not paid out go back')
    .argument('<id>', 'a sale of "sale list"')
    .option('--wallet <address>', 'where they go; the refund_wallet of the sale unless told')
    .action((id: string, { wallet, ...options }: Options & { wallet?: string }) =>
      act(id, 'goes back', (app) => returnSale(app, id, { ...options, wallet: wallet ?? null })),
    )
  recorded(command.command('abandon'))
    .description('end it with nothing given back, such as coins that must be frozen')
    .argument('<id>', 'a sale of "sale list"')
    .action((id: string, options: Options) => act(id, 'is given up', (app) => abandonSale(app, id, options)))
  return command
}

async function act(id: string, done: string, work: (app: App) => Promise<void>): Promise<void> {
  await withApp(async (app) => {
    // Coins may be converted at today's price, which this process has to ask for first.
    await app.pricing.prices.refresh()
    await work(app)
  })
  console.log(`Sale ${id} ${done}.`)
}

/** Sales in review as rows of a table, for `review list` as well. */
export async function describeSaleReviews(app: Pick<App, 'db'>) {
  return (await listSaleReviews(app)).map((sale) => ({
    id: sale.id,
    what: 'sale',
    since: sale.createdAt,
    customer: sale.customerId,
    amount: `${formatAmount(sale.askedUnits, saleCoin(sale))} ${sale.symbol}`,
    received: `${formatAmount(sale.receivedUnits, saleCoin(sale))}, ${formatAmount(heldCoins(sale), saleCoin(sale))} held`,
    why: [sale.reviewReason, sale.reviewDetail].filter(Boolean).join(': '),
    until: sale.expiresAt,
  }))
}

function show({ sale, deposits, effects }: Awaited<ReturnType<typeof describeSale>>): void {
  const coin = saleCoin(sale)
  const units = (value: bigint) => `${formatAmount(value, coin)} ${coin.symbol}`
  console.log(`${sale.id}  ${sale.state}  ${sale.chain}  ${sale.address}`)
  if (sale.reviewReason) console.log(`in review: ${sale.reviewReason} ${sale.reviewDetail ?? ''}`.trimEnd())
  if (sale.failure) console.log(`can't be worked on, and is tried again: ${sale.failure}`)
  console.log(
    `asked ${units(sale.askedUnits)}, received ${units(sale.receivedUnits)}, converted ${units(sale.convertedUnits)}, ` +
      `returned ${units(sale.returnedUnits)}, kept ${units(sale.keptUnits)}`,
  )
  console.log(
    `pays ${formatAmount(sale.fiatUnits, saleFiat(sale))} ${sale.fiat}; refund wallet ${sale.refundWallet ?? '-'}`,
  )
  for (const { round, state, units: paid, reason } of payoutsOf(sale)) {
    const amount = formatAmount(BigInt(paid), saleFiat(sale))
    console.log([`payout ${round}: ${amount} ${sale.fiat}, ${state}`, reason].filter(Boolean).join(', '))
  }
  for (const { round, state, asset, units: back, reason } of returnsOf(sale)) {
    const { symbol } = assetOf(asset)
    console.log(
      `return ${round}: ${formatAmount(BigInt(back), assetOf(asset))} ${symbol}, ${state}, ${reason}`,
    )
  }
  const others = deposits.filter(({ outcome }) => outcome !== null && outcome !== 'credited')
  for (const { asset, units: came, outcome, what } of others) {
    const { symbol } = assetOf(asset)
    console.log(`not counted: ${formatAmount(came, assetOf(asset))} ${symbol}, ${outcome}, ${what}`)
  }
  const exact = <Row extends { asset: string; units: bigint }>(row: Row) => ({
    ...row,
    units: formatAmount(row.units, assetOf(row.asset)),
  })
  printTable(deposits.map(exact), 'Nothing was deposited.')
  printTable(effects.map(exact), 'Nothing was ordered to go out.')
}
