import { createWalletClient, defineChain, erc20Abi, formatUnits, http, parseUnits } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import {
  authenticate,
  checkSignatures,
  findPolygon,
  type Polygon,
  registerCustomer,
  type Scene,
  subscribe,
} from './begin.ts'
import type { Company } from './company.ts'
import { paint, showSuccess, step } from './show.ts'

/** An account at another bank, where the customer wants the euros. */
const PAYEE_IBAN = 'ES9121000418450200051332'
const LOOK_MS = 200
const WITHIN_MS = 60_000

interface Sale {
  id: string
  status: string
  fiat_amount: string
  received_amount: string
  decimals: number
  txid: string | null
}

/** From coins in the customer's wallet to euros at the customer's bank. */
export async function sell(scene: Scene, amount: string): Promise<void> {
  const { company, receiver } = scene
  const wallet = privateKeyToAccount(generatePrivateKey())
  await authenticate(scene)
  const polygon = await findPolygon(scene)
  await subscribe(scene, ['KYC_VALID', 'COINS_SENT', 'CRYPTO_RECEIVED', 'TRANSFER_RAMPOFF_FINISHED'])
  await fillAccount(scene)
  const customer = await registerCustomer(scene)
  await step(
    'A wallet with coins, as the customer has it: USDC, and POL for gas',
    'POST /api/createGuidedPayment, twice',
    () => fillWallet(scene, { customer, wallet: wallet.address, amount }),
    () => wallet.address,
  )
  const quote = await step(
    'Quote',
    `GET /api/rampoff/quote?amount=${amount}&symbol=USDC&blockchain=polygon`,
    () =>
      company.call<{ fiat_amount: string; price: string; fee: string; quote_id: string }>(
        'GET',
        '/api/rampoff/quote',
        { amount, symbol: 'USDC', blockchain: 'polygon' },
      ),
    (data) =>
      `${amount} USDC bring ${paint('bold', `${data.fiat_amount} EUR`)} at ${data.price}, fee ${data.fee}`,
  )
  const sale = await step(
    'Create the sale',
    'POST /api/createRampoff',
    () =>
      company.call<{ id: string; wallet: `0x${string}` }>('POST', '/api/createRampoff', {
        user_id: customer,
        amount,
        blockchain: 'polygon',
        symbol: 'USDC',
        iban: PAYEE_IBAN,
        refund_wallet: wallet.address,
        external_id: `demo-sale-${customer}`,
        quote_id: quote.quote_id,
      }),
    (data) => `sale ${data.id}, an address of its own: ${data.wallet}`,
  )
  const before = await polygon.balanceOf(wallet.address)
  const account = await bankAccount(company)
  await step(
    'The customer sends the coins',
    `eth_sendRawTransaction at ${polygon.rpcUrl}`,
    () => sendCoins(polygon, wallet, { to: sale.wallet, units: parseUnits(amount, 6) }),
    (hash) => `transaction ${hash}`,
  )
  const finished = await step(
    'The coins are received, sold, and the bank sends the euros',
    `GET /api/getRampoff?id=${sale.id}`,
    async () => {
      const found = await follow(company, sale.id)
      await receiver.waitFor('TRANSFER_RAMPOFF_FINISHED', (event) => event.data.id === sale.id)
      return found
    },
    (data) => `status ${paint('bold', data.status)}, ${data.fiat_amount} EUR`,
  )
  const after = await polygon.balanceOf(wallet.address)
  console.log(
    `\n${paint('bold', 'On the chain')}\n   wallet ${wallet.address}\n   before ${formatUnits(before, 6)} USDC\n   after  ${paint('bold', `${formatUnits(after, 6)} USDC`)}`,
  )
  const inAccount = (await bankAccount(company)).balance
  console.log(
    `\n${paint('bold', 'At the bank')}\n   from ${account.iban}\n   to   ${PAYEE_IBAN}\n   before ${account.balance} EUR\n   after  ${paint('bold', `${inAccount} EUR`)}`,
  )
  checkSignatures(scene)
  const heard = receiver.received.filter((event) => event.data.id === sale.id).map(({ type }) => type)
  console.log(`\n${paint('bold', 'Webhooks of the sale')}\n   ${heard.join(', ')}`)
  if (before - after !== BigInt(finished.received_amount))
    throw new Error(`The wallet sent ${before - after} units, but the sale says ${finished.received_amount}.`)
  const sent = parseUnits(account.balance, 2) - parseUnits(inAccount, 2)
  if (sent !== parseUnits(finished.fiat_amount, 2))
    throw new Error(`The bank sent ${formatUnits(sent, 2)} EUR, but the sale says ${finished.fiat_amount}.`)
  showSuccess('The bank sent exactly what the sale says')
}

interface BankAccount {
  iban: string
  currency: string
  /** Decimal text, as the bank says. */
  balance: string
}

/** The company's account in euros at the sandbox's bank, asked of the bank. */
async function bankAccount(company: Company): Promise<BankAccount> {
  const sandbox = await company.call<{ bank_accounts: BankAccount[] }>('GET', '/api/sandbox')
  const found = sandbox.bank_accounts.find(({ currency }) => currency === 'EUR')
  if (!found) throw new Error('The sandbox has no account in euros for this company.')
  return found
}

/** The company's own money at the bank, which its customers are paid from. */
async function fillAccount({ company }: Scene): Promise<void> {
  await step(
    'The company puts money on its account',
    'POST /api/sandbox/bank/transfer',
    async () => {
      const { iban } = await bankAccount(company)
      await company.call('POST', '/api/sandbox/bank/transfer', {
        iban,
        amount: '5000.00',
        concept: 'Working capital',
        name: 'Remittances',
      })
      return iban
    },
    (iban) => `5000.00 EUR to ${iban}`,
  )
}

/** Buys what the wallet needs through the same API: the coins that are sold, and some POL to pay gas with. */
async function fillWallet(
  { company, receiver }: Scene,
  { customer, wallet, amount }: { customer: number; wallet: string; amount: string },
): Promise<void> {
  const { price } = await company.call<{ price: string }>('GET', '/api/token-price', { symbol: 'USDC' })
  // With room for the fees of a purchase by transfer.
  const euros = Math.max(20, Number(amount) * Number(price) * 1.03 + 1).toFixed(2)
  for (const [symbol, fiat_amount] of [
    ['USDC', euros],
    ['POL', '20.00'],
  ]) {
    const { payment_id } = await company.call<{ payment_id: string }>('POST', '/api/createGuidedPayment', {
      user_id: customer,
      coin_symbol: symbol,
      coin_chain: 'polygon',
      fiat_amount,
      payment_type: 'transfer',
      wallet,
    })
    await company.call('POST', `/api/sandbox/payments/${payment_id}/pay`)
    await receiver.waitFor('COINS_SENT', (event) => event.data.id === payment_id)
  }
}

/** A transaction as any wallet makes it, signed here and given to the chain. */
async function sendCoins(
  { chainId, rpcUrl, usdc }: Polygon,
  account: ReturnType<typeof privateKeyToAccount>,
  { to, units }: { to: `0x${string}`; units: bigint },
): Promise<string> {
  const chain = defineChain({
    id: chainId,
    name: 'The sandbox’s polygon',
    nativeCurrency: { name: 'POL', symbol: 'POL', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  })
  const client = createWalletClient({ account, chain, transport: http(rpcUrl) })
  return client.writeContract({ address: usdc, abi: erc20Abi, functionName: 'transfer', args: [to, units] })
}

/** Looks until the sale is finished and shows each new status; whoever has webhooks need not. */
async function follow(company: Company, id: string): Promise<Sale> {
  const deadline = performance.now() + WITHIN_MS
  let shown = ''
  for (;;) {
    const sale = await company.call<Sale>('GET', '/api/getRampoff', { id })
    if (sale.status !== shown) {
      shown = sale.status
      const came = `${formatUnits(BigInt(sale.received_amount), sale.decimals)} USDC received`
      console.log(`   ${paint('yellow', '…')} ${paint('bold', sale.status)}, ${came}`)
    }
    if (sale.status === 'finished') return sale
    if (ENDED_OTHERWISE.has(sale.status)) throw new Error(`The sale is ${sale.status}.`)
    if (performance.now() > deadline)
      throw new Error(`The sale is still ${sale.status} after ${WITHIN_MS / 1000} s.`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

const ENDED_OTHERWISE = new Set(['expired', 'in_review', 'refunded', 'failed'])
