import { sql } from 'kysely'
import { Type } from 'typebox'
import type { Address, Hex } from 'viem'
import type { App } from '../app.ts'
import { formatAmount, parseAmount } from '../money/amount.ts'
import { type Asset, findAsset } from '../money/asset.ts'
import { type Sale, saleCoin } from '../offramp/sale.ts'
import { endpoint } from '../server/endpoint.ts'
import { type FieldErrors, fail } from '../server/errors.ts'
import { Amount, Chain, CoinSymbol, OneOf, Text } from '../server/fields.ts'
import type { SandboxChain } from './chain/chains.ts'

const SENDERS = ['customer', 'blocked'] as const

export const depositOnChain = endpoint({
  method: 'POST',
  path: '/api/sandbox/chain/deposit',
  section: 'sandbox',
  name: 'depositOnChain',
  summary: "Tokens arrive on a sale's address",
  description:
    "Somebody sends coins to the address of a sale, by a real transaction on the local chain: the asked amount or any other, the asked coin or another one. The platform sees it as it would see a customer's. Send several to pay in parts, or after the sale expired to be late.",
  audience: 'token',
  sandboxOnly: true,
  body: Type.Object({
    rampoff_id: Type.Optional(Text('The sale; or name its wallet.', 64)),
    wallet: Type.Optional(Text('The address that createRampoff answered.', 42)),
    amount: Type.Optional(
      Amount(
        'Whole coins; what the sale asks for unless told. More than the sandbox can send is `coin_unavailable`.',
      ),
    ),
    symbol: Type.Optional(CoinSymbol("The coin; the sale's unless told.")),
    chain: Type.Optional(
      Chain("The chain; the sale's unless told, and no other: it has that address alone there."),
    ),
    sender: Type.Optional(
      OneOf(SENDERS, 'Who sends: a customer unless told, or an address on a sanctions list.'),
    ),
  }),
  data: Type.Object({
    rampoff_id: Type.String(),
    wallet: Type.String(),
    chain: Type.String(),
    symbol: Type.String(),
    amount: Type.String({ description: 'Whole coins.' }),
    amount_units: Type.String({ description: 'In base units of the coin.' }),
    txid: Type.String({ description: 'The transaction, which the next block takes up.' }),
  }),
  errors: ['rampoff_not_found', 'coin_not_supported', 'coin_unavailable'],
  examples: {
    request: { rampoff_id: 'nB7hQ2xkLw93VtRcAe51mZpYs', amount: '100', symbol: 'USDC', chain: 'polygon' },
    answer: {
      rampoff_id: 'nB7hQ2xkLw93VtRcAe51mZpYs',
      wallet: '0x52908400098527886E0F7030069857D2E4169EE7',
      chain: 'polygon',
      symbol: 'USDC',
      amount: '100.000000',
      amount_units: '100000000',
      txid: '0x2f1c5c2b44f771e942a8506148e256f94f1a464babc938ae0690c6e34cd79190',
    },
  },
  check({ body }): FieldErrors {
    if (body.rampoff_id !== undefined || body.wallet !== undefined) return {}
    return { rampoff_id: ['is needed, or wallet'] }
  },
  async handle(app, { body, integration }) {
    const sale = await findSale(app, integration.id, body)
    const chain = body.chain ?? sale.chain
    if (chain !== sale.chain) refuse('chain', `is not the sale's: its address is on ${sale.chain}`)
    const coin =
      findAsset(chain, body.symbol ?? sale.symbol) ??
      fail('coin_not_supported', `There is no ${body.symbol} on ${chain}.`)
    const units = readUnits(sale, coin, body.amount)
    const local =
      app.providers.sandboxChains.find((one) => one.chain === chain) ??
      fail('coin_unavailable', `${chain} is no local chain here: send the coins by a wallet of your own.`)
    await refuseTooMuch(local, coin, units)
    const txid = await send(local, body.sender === 'blocked', {
      symbol: coin.symbol,
      to: sale.address as Address,
      units,
    })
    return {
      rampoff_id: sale.id,
      wallet: sale.address,
      chain,
      symbol: coin.symbol,
      amount: formatAmount(units, coin),
      amount_units: units.toString(),
      txid,
    }
  },
})

const send = (
  local: SandboxChain,
  blocked: boolean,
  transfer: { symbol: string; to: Address; units: bigint },
): Promise<Hex> => (blocked ? local.sendFromBlocked(transfer) : local.treasury.send(transfer))

/** Of what the sandbox has, so much may go at once: nobody empties it for the others, or sends what reverts. */
const PART_AT_ONCE = 1_000n

async function refuseTooMuch(
  { provider, treasury }: SandboxChain,
  coin: Asset,
  units: bigint,
): Promise<void> {
  const token = treasury.tokens[coin.symbol] ?? null
  const [held] = await provider.balances([{ address: treasury.address, token }])
  const most = held! / PART_AT_ONCE
  if (units > most)
    fail(
      'coin_unavailable',
      `The sandbox sends no more than ${formatAmount(most, coin)} ${coin.symbol} at once.`,
    )
}

type Found = Pick<Sale, 'id' | 'chain' | 'symbol' | 'address' | 'askedUnits'>

async function findSale(
  { db }: Pick<App, 'db'>,
  integrationId: number,
  { rampoff_id: id, wallet }: { rampoff_id?: string; wallet?: string },
): Promise<Found> {
  let query = db
    .selectFrom('sales')
    .select(['id', 'chain', 'symbol', 'address', 'askedUnits'])
    .where('integrationId', '=', integrationId)
  if (id !== undefined) query = query.where('id', '=', id)
  if (wallet !== undefined) query = query.where(sql<boolean>`lower(address) = ${wallet.toLowerCase()}`)
  return (await query.executeTakeFirst()) ?? fail('rampoff_not_found', 'There is no such sale.')
}

function readUnits(sale: Found, coin: Asset, amount: string | undefined): bigint {
  if (amount === undefined) {
    if (coin.id === saleCoin(sale).id) return sale.askedUnits
    return refuse('amount', 'is needed when another coin is sent than the sale asks for')
  }
  const { units, problem } = parseAmount(amount, coin)
  return units ?? refuse('amount', problem!)
}

function refuse(field: string, problem: string): never {
  return fail('invalid_field', `${field} ${problem}.`, { errors: { [field]: [problem] } })
}
