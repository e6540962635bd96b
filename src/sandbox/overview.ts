import { Type } from 'typebox'
import type { App } from '../app.ts'
import type { Integration } from '../common/integration.ts'
import { wireTime } from '../kernel/clock.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { MAGIC_PAYEES } from '../providers/bank/simulated/magic.ts'
import { TEST_CARDS } from '../providers/card/simulated/card-rules.ts'
import { listFaults } from '../providers/faults.ts'
import { TEST_LOGIN } from '../providers/open-banking/simulated/banks.ts'
import { SANDBOX_BLOCKED_WALLET } from '../providers/screening/block-list.ts'
import { endpoint } from '../server/endpoint.ts'
import { WireTime } from '../server/fields.ts'
import { FAULTS_OF } from './faults.ts'
import { rpcUrl } from './rpc-proxy.ts'
import { THREE_D_SECURE_CODE } from './simulators/card.ts'

/** What each test card does, for people. */
export const CARD_TEXTS: Record<(typeof TEST_CARDS)[number]['does'], string> = {
  paid: 'Paid.',
  three_d_secure: `Asks 3-D Secure; the code is ${THREE_D_SECURE_CODE}.`,
  declined: 'Declined.',
  insufficient_funds: 'Declined for want of money.',
  charged_back: 'Paid, and charged back two minutes later.',
}

/** Values that make something happen, for people. */
export const MAGIC_VALUES = [
  { value: 'ana+kycfail@example.com', where: 'email', does: 'The verification ends as fail.' },
  { value: 'ana+kycreview@example.com', where: 'email', does: 'A person has to decide the verification.' },
  { value: 'ana+kycslow@example.com', where: 'email', does: 'The verification takes two minutes.' },
  {
    value: 'ana+reinforcedfail@example.com',
    where: 'email',
    does: 'The enhanced verification ends as fail; the first one is not touched.',
  },
  {
    value: 'ana+reinforcedreview@example.com',
    where: 'email',
    does: 'A person has to decide the enhanced verification.',
  },
  { value: 'ana+banned@example.com', where: 'email', does: 'The customer is banned.' },
  { value: SANDBOX_BLOCKED_WALLET, where: 'wallet', does: 'Screening refuses the wallet.' },
  { value: THREE_D_SECURE_CODE, where: '3-D Secure', does: 'Confirms the payment by card.' },
  {
    value: `${TEST_LOGIN.user} / ${TEST_LOGIN.password}`,
    where: 'bank login',
    does: 'Logs in at every simulated bank.',
  },
  ...MAGIC_PAYEES.map(({ value, text }) => ({
    value,
    where: value.startsWith('… ') ? "payee's name" : 'iban of a sale',
    does: text,
  })),
]

/** How each method without test cards is paid, for people. */
export const METHOD_TEXTS = [
  {
    payment_type: 'paypal',
    text: 'Approve on its page, or choose the account whose money is not enough, or the one whose owner disputes the payment two minutes later.',
  },
  { payment_type: 'KHIPU', text: 'Pay or refuse on its page, as at the bank.' },
  { payment_type: 'PSE', text: 'Pay or refuse on its page, as at the bank.' },
  { payment_type: 'SPEI', text: 'Its page gives a CLABE; pay it there, twice, or late.' },
  { payment_type: 'CVU', text: 'Its page gives a CVU; pay it there, twice, or late.' },
  { payment_type: 'PAGOEFECTIVO', text: 'Its page gives a code; pay it there, twice, or late.' },
]

const Value = Type.Object({ value: Type.String(), where: Type.String(), does: Type.String() })

export const sandboxOverview = endpoint({
  method: 'GET',
  path: '/api/sandbox',
  section: 'sandbox',
  name: 'sandboxOverview',
  summary: 'What can be simulated',
  description:
    'The test cards and magic values, your bank accounts, the clock, the local chains, and the faults that are ordered. `rpc_url` is a JSON-RPC address that reads the chain and takes signed transactions, so that you can look for yourself.',
  audience: 'token',
  sandboxOnly: true,
  data: Type.Object({
    now: WireTime,
    test_cards: Type.Array(Type.Object({ number: Type.String(), does: Type.String(), text: Type.String() })),
    magic_values: Type.Array(Value),
    methods: Type.Array(Type.Object({ payment_type: Type.String(), text: Type.String() })),
    bank_accounts: Type.Array(
      Type.Object({
        iban: Type.String(),
        bic: Type.String(),
        bank_name: Type.String(),
        holder_name: Type.String(),
        currency: Type.String(),
        balance: Type.String({ description: 'What the simulated bank says is there.' }),
      }),
    ),
    chains: Type.Array(
      Type.Object({
        chain: Type.String(),
        chain_id: Type.Integer(),
        rpc_url: Type.String(),
        tokens: Type.Record(Type.String(), Type.String()),
        confirmations: Type.Integer({ description: 'Blocks after which a transaction is final.' }),
      }),
    ),
    fault_kinds: Type.Record(Type.String(), Type.Array(Type.String())),
    faults: Type.Array(
      Type.Object({ provider: Type.String(), kind: Type.String(), remaining: Type.Integer() }),
    ),
    advanced_by_seconds: Type.Integer({ description: 'How far the clock was moved forward.' }),
  }),
  errors: [],
  examples: {
    answer: {
      now: '2026-06-26T10:30:00.000000Z',
      test_cards: [{ number: '4242424242424242', does: 'paid', text: 'Paid.' }],
      magic_values: MAGIC_VALUES.slice(0, 1),
      methods: METHOD_TEXTS.slice(0, 1),
      bank_accounts: [
        {
          iban: 'ES2599980001650001000017',
          bic: 'SIMBESMMXXX',
          bank_name: 'Banco Simulado',
          holder_name: 'Sandbox Remittances',
          currency: 'EUR',
          balance: '1523.10',
        },
      ],
      chains: [
        {
          chain: 'polygon',
          chain_id: 1337137,
          rpc_url: 'http://127.0.0.1:8080/sandbox/rpc/polygon',
          tokens: { USDC: '0x5FbDB2315678afecb367f032d93F642f64180aa3' },
          confirmations: 2,
        },
      ],
      fault_kinds: { price: FAULTS_OF.price },
      faults: [],
      advanced_by_seconds: 0,
    },
  },
  async handle(app, { integration }) {
    return {
      now: wireTime(app.clock.now()),
      test_cards: TEST_CARDS.map(({ number, does }) => ({ number, does, text: CARD_TEXTS[does] })),
      magic_values: MAGIC_VALUES,
      methods: METHOD_TEXTS,
      bank_accounts: await listBankAccounts(app, integration),
      chains: app.providers.sandboxChains.map(({ chain, chainId, confirmations, treasury }) => ({
        chain,
        chain_id: chainId,
        rpc_url: rpcUrl(app, chain),
        tokens: treasury.tokens,
        confirmations,
      })),
      fault_kinds: FAULTS_OF,
      faults: await listFaults(app.db),
      advanced_by_seconds: Math.round(app.clock.offsetMs() / 1000),
    }
  },
})

async function listBankAccounts({ db }: Pick<App, 'db'>, integration: Integration) {
  const rows = await db
    .selectFrom('bankAccounts as ours')
    .innerJoin('simulated.bankAccounts as theirs', 'theirs.iban', 'ours.iban')
    .select([
      'ours.iban',
      'ours.bic',
      'ours.bankName',
      'ours.holderName',
      'ours.currency',
      'theirs.balanceUnits',
    ])
    .where('ours.integrationId', '=', integration.id)
    .orderBy('ours.createdAt')
    .orderBy('ours.iban')
    .execute()
  return rows.map((row) => ({
    iban: row.iban,
    bic: row.bic,
    bank_name: row.bankName,
    holder_name: row.holderName,
    currency: row.currency,
    balance: formatAmount(row.balanceUnits, assetOf(row.currency)),
  }))
}
