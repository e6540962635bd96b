import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import type { Trx } from '../db/database.ts'
import { type Change, RefusedOperation } from '../effects/operate-effects.ts'
import { FIAT_ASSETS, fiatAsset } from '../money/asset.ts'
import { findIbanProblem, normaliseIban } from '../providers/bank/iban.ts'
import type { BankProvider } from '../providers/bank/port.ts'
import { ProviderError } from '../providers/provider-error.ts'
import { STATEMENT_LANE } from './statement-lane.ts'

/** An account of ours at a bank, as an operator names it. */
export interface NewAccount {
  iban: string
  bic: string
  bankName: string
  holderName: string
  /** ISO 4217. */
  currency: string
  /** The integration whose customers alone transfer to it; null: all share it. */
  integrationId: number | null
  ordersBy: 'api' | 'file'
}

/** As long as a name may be in a SEPA message. */
const LONGEST_NAME = 70
const BIC = /^[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?$/

/**
 * The account as it is kept: IBAN and BIC without spaces, in capitals. Throws `RefusedOperation` that names everything
 * that is wrong, and how it is written rightly.
 */
export function checkAccount(typed: NewAccount): NewAccount {
  const iban = normaliseIban(typed.iban)
  const bic = normaliseIban(typed.bic)
  const holderName = typed.holderName.trim()
  const bankName = typed.bankName.trim()
  const currency = fiatAsset(typed.currency)?.id
  const ibanProblem = findIbanProblem(iban)
  const problems = [
    ibanProblem && `The IBAN ${iban} ${ibanProblem}.`,
    BIC.test(bic) ? null : `The BIC ${bic} is none: it has 8 or 11 characters, such as CAIXESBBXXX.`,
    findNameProblem('holder', holderName),
    findNameProblem("bank's name", bankName),
    currency === undefined
      ? `${typed.currency} is no currency of the platform's: ${FIAT_ASSETS.map(({ id }) => id).join(', ')}.`
      : currency !== 'EUR' && typed.ordersBy === 'file'
        ? `Files carry SEPA transfers, so an account in ${currency} needs its bank's API (--orders-by api).`
        : null,
  ].filter((problem) => problem !== null)
  if (problems.length > 0) throw new RefusedOperation(problems.join('\n'))
  return { ...typed, iban, bic, holderName, bankName, currency: currency! }
}

function findNameProblem(what: string, name: string): string | null {
  if (name === '') return `The ${what} is empty.`
  if (/\p{Cc}/u.test(name)) return `The ${what} has characters that can't be printed.`
  return name.length > LONGEST_NAME ? `The ${what} has more than ${LONGEST_NAME} characters.` : null
}

/**
 * Adds an account of ours. Of those that an integration may be paid on, its own come first, then the one that was added
 * last. Adding the same account again changes nothing and answers `known`. Throws `RefusedOperation`.
 */
export async function addAccount(
  app: Pick<App, 'db' | 'clock' | 'wake'> & { providers: Pick<App['providers'], 'bank'> },
  typed: NewAccount,
  { who, why }: Change,
): Promise<'added' | 'known'> {
  const account = checkAccount(typed)
  if (account.ordersBy === 'api') await refuseUnknownToBank(app.providers.bank, account)
  const added = await app.db.transaction().execute(async (trx) => {
    await refuseOtherIntegration(trx, account.integrationId)
    const now = app.clock.now()
    const row = await trx
      .insertInto('bankAccounts')
      .values({ ...account, dueAt: account.ordersBy === 'api' ? now : null, createdAt: now })
      .onConflict((conflict) => conflict.doNothing())
      .returning('iban')
      .executeTakeFirst()
    if (!row) {
      await refuseDifferent(trx, account)
      return 'known'
    }
    const { iban, ...after } = account
    const target = `bank-account:${iban}`
    await recordAudit(trx, now, { who, why, action: 'bank-account.add', target, after })
    return 'added'
  })
  if (added === 'added') app.wake(STATEMENT_LANE)
  return added
}

/** An account can only go by the API of a bank that knows it. Throws `RefusedOperation`. */
export async function refuseUnknownToBank(
  bank: Pick<BankProvider, 'getBalance'> | undefined,
  { iban, currency }: Pick<NewAccount, 'iban'> & { currency?: string },
): Promise<void> {
  if (!bank) {
    throw new RefusedOperation(
      "No bank's API is configured (BANK_PROVIDER): the account can go by files alone.",
    )
  }
  const told = await bank.getBalance(iban).catch((error: unknown) => {
    if (!(error instanceof ProviderError)) throw error
    throw new RefusedOperation(
      `The bank's API does not tell of ${iban}: ${error.message}. It can go by files.`,
    )
  })
  if (currency !== undefined && told.currency !== currency) {
    throw new RefusedOperation(`By its bank ${iban} is in ${told.currency}, not in ${currency}.`)
  }
}

async function refuseOtherIntegration(trx: Trx, id: number | null): Promise<void> {
  if (id === null) return
  const found = await trx
    .selectFrom('integrations')
    .select(['detachedAt', 'replacedBy'])
    .where('id', '=', id)
    .forKeyShare()
    .executeTakeFirst()
  if (!found) throw new RefusedOperation(`There is no integration ${id}. "integration show" lists them.`)
  if (found.detachedAt !== null) {
    throw new RefusedOperation(`Integration ${id} was replaced by ${found.replacedBy}: name that one.`)
  }
}

const FIELDS = {
  bic: 'BIC',
  bankName: "bank's name",
  holderName: 'holder',
  currency: 'currency',
  integrationId: 'integration',
  ordersBy: 'way of its orders',
} as const satisfies Partial<Record<keyof NewAccount, string>>

/** Whoever types something else means another account, or believes that it can be changed so. */
async function refuseDifferent(trx: Trx, account: NewAccount): Promise<void> {
  const known = await trx
    .selectFrom('bankAccounts')
    .select(['bic', 'bankName', 'holderName', 'currency', 'integrationId', 'ordersBy', 'status'])
    .where('iban', '=', account.iban)
    .executeTakeFirstOrThrow()
  const others = (Object.keys(FIELDS) as (keyof typeof FIELDS)[])
    .filter((field) => known[field] !== account[field])
    .map((field) => `${FIELDS[field]} ${known[field] ?? 'of all'}`)
  if (others.length > 0) {
    throw new RefusedOperation(
      `We have ${account.iban} already, with ${others.join(', ')}. "bank account show" shows it; "bank orders by" changes the way of its orders.`,
    )
  }
  if (known.status !== 'active') {
    throw new RefusedOperation(
      `${account.iban} is ours and was retired: "bank account retire ${account.iban} --undo" takes it up again.`,
    )
  }
}
