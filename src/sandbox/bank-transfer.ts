import { Type } from 'typebox'
import type { App } from '../app.ts'
import type { Integration } from '../common/integration.ts'
import { wireTime } from '../kernel/clock.ts'
import { formatAmount, type ParsedAmount, parseAmount } from '../money/amount.ts'
import { fiatAsset } from '../money/asset.ts'
import { isValidIban, normaliseIban } from '../providers/bank/iban.ts'
import { MOST_UNITS, payerIban, receiveTransfer, TOO_MUCH } from '../providers/bank/simulated/incoming.ts'
import { BANK_LANE } from '../providers/bank/simulated/lane.ts'
import { endpoint } from '../server/endpoint.ts'
import { type FieldErrors, fail } from '../server/errors.ts'
import { Amount, Text, WireTime } from '../server/fields.ts'

export const sendBankTransfer = endpoint({
  method: 'POST',
  path: '/api/sandbox/bank/transfer',
  section: 'sandbox',
  name: 'sendBankTransfer',
  summary: 'Money arrives on a bank account',
  description:
    'Somebody sends money to one of your accounts: any amount, any concept, from anybody. The simulated bank books it at once and tells the platform, which matches it as it would a real line.',
  audience: 'token',
  sandboxOnly: true,
  body: Type.Object({
    iban: Text('The account of yours that it goes to. GET /api/sandbox lists them.', 42),
    amount: Amount("In the account's currency."),
    concept: Type.Optional(Text('What the sender wrote; nothing unless told.', 140)),
    name: Text("The sender's name.", 140),
    from_iban: Type.Optional(Text("The sender's account; one made from the name unless told.", 42)),
  }),
  data: Type.Object({
    iban: Type.String(),
    amount: Type.String(),
    currency: Type.String(),
    from_iban: Type.String(),
    booked_at: WireTime,
  }),
  errors: ['account_not_found'],
  examples: {
    request: { iban: 'ES4199980001320001000017', amount: '100.00', concept: '120037', name: 'Ana García' },
    answer: {
      iban: 'ES4199980001320001000017',
      amount: '100.00',
      currency: 'EUR',
      from_iban: 'DE02000000000123456789',
      booked_at: '2026-06-26T10:30:00.000000Z',
    },
  },
  check({ body }): FieldErrors {
    if (body.from_iban === undefined || isValidIban(normaliseIban(body.from_iban))) return {}
    return { from_iban: ['is not a valid IBAN of a SEPA country'] }
  },
  async findFurther({ db }, { body, integration }): Promise<FieldErrors> {
    if (body.amount === undefined) return {}
    const account = body.iban && (await findAccount(db, integration, normaliseIban(body.iban)))
    // No currency has more decimals than the euro.
    const judged = judgeAmount(body.amount, account ? account.currency : 'EUR')
    return judged.problem === undefined ? {} : { amount: [judged.problem] }
  },
  async handle(app, { body, integration }) {
    const account = await getOwnAccount(app.db, integration, normaliseIban(body.iban))
    const asset = fiatAsset(account.currency)!
    const { units, problem } = judgeAmount(body.amount, account.currency)
    if (problem !== undefined) fail('invalid_field', `amount ${problem}.`, { errors: { amount: [problem] } })
    const now = app.clock.now()
    const fromIban = body.from_iban === undefined ? payerIban(body.name) : normaliseIban(body.from_iban)
    const sent = await receiveTransfer(app.db, {
      iban: account.iban,
      units,
      currency: account.currency,
      fromName: body.name,
      fromIban,
      concept: body.concept ?? '',
      dueAt: now,
      now,
    })
    if (!sent) {
      fail(
        'account_not_found',
        'The simulated bank does not have this account: its money is told by statements alone.',
      )
    }
    app.wake(BANK_LANE)
    return {
      iban: account.iban,
      amount: formatAmount(units, asset),
      currency: account.currency,
      from_iban: fromIban,
      booked_at: wireTime(now),
    }
  },
})

function judgeAmount(text: string, currency: string): ParsedAmount {
  const parsed = parseAmount(text, fiatAsset(currency)!)
  return parsed.units !== undefined && parsed.units > MOST_UNITS ? { problem: TOO_MUCH } : parsed
}

async function findAccount(db: App['db'], integration: Integration, iban: string) {
  return db
    .selectFrom('bankAccounts')
    .select(['iban', 'currency'])
    .where('iban', '=', iban)
    .where('integrationId', '=', integration.id)
    .executeTakeFirst()
}

async function getOwnAccount(db: App['db'], integration: Integration, iban: string) {
  return (
    (await findAccount(db, integration, iban)) ??
    fail('account_not_found', 'This integration has no such account. GET /api/sandbox lists its accounts.')
  )
}
