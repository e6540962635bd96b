import { type Static, Type } from 'typebox'
import { wireTime } from '../kernel/clock.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { endpoint } from '../server/endpoint.ts'
import { nullable, WireTime } from '../server/fields.ts'
import { listOwnAccounts, type OwnAccount } from './own-accounts.ts'

/** An account, as `GET /api/banking/accounts` lists it. */
export const BankAccountObject = Type.Object({
  iban: Type.String(),
  bic: Type.String(),
  bank_name: Type.String(),
  holder_name: Type.String(),
  currency: Type.String({ description: 'ISO 4217.' }),
  balance: nullable(
    Type.String({
      description:
        'What the account holds by the ledger: everything that the bank has booked. Null of an account that several integrations share, as not all on it is yours.',
    }),
  ),
  status: Type.String({ examples: ['active'] }),
  created_at: WireTime,
})

export const BANK_ACCOUNT_EXAMPLE: Static<typeof BankAccountObject> = {
  iban: 'ES4199980001320001000017',
  bic: 'SIMBESMMXXX',
  bank_name: 'Banco Simulado',
  holder_name: 'Sandbox Remittances',
  currency: 'EUR',
  balance: '10001523.10',
  status: 'active',
  created_at: '2026-06-01T08:00:00.000000Z',
}

export const listBankAccounts = endpoint({
  method: 'GET',
  path: '/api/banking/accounts',
  section: 'bank-accounts',
  name: 'listBankAccounts',
  summary: 'List your bank accounts',
  description:
    'The accounts that your customers transfer money to, oldest first. In the sandbox each integration has one in EUR. An account that several integrations share is listed once money for one of your payments came to it.',
  audience: 'token',
  data: Type.Array(BankAccountObject),
  errors: [],
  examples: { answer: [BANK_ACCOUNT_EXAMPLE] },
  async handle({ db }, { integration }) {
    return (await listOwnAccounts(db, integration.id)).map(wireAccount)
  },
})

function wireAccount(account: OwnAccount): Static<typeof BankAccountObject> {
  const { balanceUnits, currency } = account
  return {
    iban: account.iban,
    bic: account.bic,
    bank_name: account.bankName,
    holder_name: account.holderName,
    currency,
    balance: balanceUnits === null ? null : formatAmount(balanceUnits, assetOf(currency)),
    status: account.status,
    created_at: wireTime(account.createdAt),
  }
}
