import { type Selectable, sql } from 'kysely'
import type { SimulatedDatabase } from '../../../db/simulated-schema.ts'
import { isUniqueViolation } from '../../../db/unique-violation.ts'
import { randomText } from '../../../kernel/ids.ts'
import { PROVIDER_TIMEOUT_MS, READING_FAULTS, takeFault, underFaults, WRITING_FAULTS } from '../../faults.ts'
import { ProviderError } from '../../provider-error.ts'
import { readSignedCallback } from '../../simulated/signature.ts'
import type { Simulator } from '../../simulated/simulator.ts'
import { waitInVain } from '../../wait-in-vain.ts'
import { isValidIban } from '../iban.ts'
import { isValidLocalAccount, localAccountRule } from '../local-accounts.ts'
import type { BankLine, BankProvider, BankTransfer, TransferOrder, TransferTarget } from '../port.ts'
import { describeReason } from '../reasons.ts'
import { isOwnIban } from './account.ts'
import { BOOKED, magicFate, NEVER_GIVEN_OUT, type PayeeFate, SENT_BACK } from './magic.ts'

/** From an order to its line on the statement, on the platform's clock. */
const BOOKING_DELAY_MS = 2_000
const LIST_LIMIT = 500

/** The sandbox's bank: accounts with a running balance, money that comes and goes. */
export function createSimulatedBankProvider(simulator: Simulator): BankProvider {
  const { db } = simulator
  const read = <Result>(call: () => Promise<Result>) => underFaults(simulator, 'bank', READING_FAULTS, call)
  const write = <Result>(call: () => Promise<Result>) => underFaults(simulator, 'bank', WRITING_FAULTS, call)
  return {
    name: 'simulated',
    listAccounts: () =>
      read(() =>
        db
          .selectFrom('simulated.bankAccounts')
          .select(['iban', 'bic', 'bankName', 'holderName', 'currency'])
          .where('filesOnly', '=', false)
          .orderBy('openedAt')
          .orderBy('iban')
          .execute(),
      ),
    getBalance: (iban) =>
      read(async () => {
        const { balanceUnits, currency } = await getAccount(simulator, iban)
        return { iban, units: balanceUnits, currency }
      }),
    listTransactions: (iban, after, limit = LIST_LIMIT) =>
      read(() => listLines(simulator, iban, after, limit)),
    sendTransfer: (order) => write(() => acceptOrder(simulator, order, 'api')),
    findTransfer: (idempotencyKey) => read(() => findTransfer(simulator, idempotencyKey)),
    parseCallback: (callback) => readSignedCallback(simulator, 'bank', callback),
  }
}

/** What the API tells of: not of an account whose bank has none. */
async function getAccount({ db }: Simulator, iban: string) {
  const account = await db
    .selectFrom('simulated.bankAccounts')
    .selectAll()
    .where('iban', '=', iban)
    .where('filesOnly', '=', false)
    .executeTakeFirst()
  if (account) return account
  throw new ProviderError('bank', 'rejected', `there is no account ${iban}`, { code: 'account_not_found' })
}

async function listLines(
  simulator: Simulator,
  iban: string,
  after: string | null,
  limit: number,
): Promise<BankLine[]> {
  const last = after === null ? '0' : /^L(\d{10})$/.exec(after)?.[1]
  if (last === undefined) {
    throw new ProviderError('bank', 'rejected', `there is no line ${after}`, { code: 'line_not_found' })
  }
  await getAccount(simulator, iban)
  const rows = await simulator.db
    .selectFrom('simulated.bankLines as line')
    .innerJoin('simulated.bankTransfers as transfer', 'transfer.id', 'line.transferId')
    .selectAll('line')
    .select([
      'transfer.direction as transferDirection',
      'transfer.currency',
      'transfer.counterpartyName',
      'transfer.counterpartyIban',
      'transfer.concept',
      'transfer.endToEndId',
      'transfer.fateCode',
      'transfer.fateText',
    ])
    .where('line.iban', '=', iban)
    .where('line.line', '>', Number(last))
    .orderBy('line.line')
    .limit(limit)
    .execute()
  return rows.map((row) => {
    const isReturn = row.transferDirection === 'out' && row.direction === 'credit'
    return {
      ref: lineRef(row.line),
      iban,
      bookedAt: row.bookedAt,
      valueDate: row.bookedAt.toISOString().slice(0, 10),
      direction: row.direction,
      units: row.units,
      balanceUnits: row.balanceUnits,
      currency: row.currency,
      counterpartyName: row.counterpartyName,
      counterpartyIban: row.counterpartyIban,
      concept: row.concept,
      endToEndId: row.endToEndId,
      transferRef: row.transferDirection === 'out' ? row.transferId : null,
      returnCode: isReturn ? row.fateCode : null,
      returnText: isReturn ? row.fateText : null,
    }
  })
}

/** `L0000000042`; the lane's SQL writes it likewise. */
const lineRef = (line: number): string => `L${String(line).padStart(10, '0')}`

/** Holds the units on the account and writes the transfer in one statement: never more goes out than is there. */
export async function acceptOrder(
  simulator: Simulator,
  order: TransferOrder,
  by: 'api' | 'file',
): Promise<BankTransfer> {
  const { db, clock } = simulator
  const earlier = await findRow(simulator, order.idempotencyKey)
  if (earlier) return sameOrder(earlier, order)
  refuseWrongTarget(order)
  const now = clock.now()
  const fate = await decideFate(simulator, order)
  if (fate.does === 'refuse') throw refusal(fate.code!, fate.text)
  if (fate.does === 'hang') await neverAnswer(simulator)
  // One that stays accepted is never due.
  const dueAt = fate.does === 'stay' ? null : new Date(now.getTime() + BOOKING_DELAY_MS)
  const returnUnits =
    fate.keptUnits > 0n && fate.keptUnits < order.units ? order.units - fate.keptUnits : null
  try {
    const { rows } = await sql<TransferRow>`
      with account as (
        update simulated.bank_accounts set held_units = held_units + ${order.units}
         where iban = ${order.iban} and currency = ${order.currency} and files_only = ${by === 'file'}
           and balance_units - held_units >= ${order.units} and ${order.units} > 0
        returning iban)
      insert into simulated.bank_transfers (id, iban, direction, idempotency_key, units, currency,
             counterparty_name, counterparty_iban, concept, end_to_end_id, fate, fate_code, fate_text, return_after_ms,
             return_units, due_at, created_at, updated_at)
      select ${`tr_${randomText(24)}`}, iban, 'out', ${order.idempotencyKey}, ${order.units}, ${order.currency},
             ${order.toName}, ${accountOf(order.to)}, ${order.concept}, ${order.endToEndId}, ${fate.does},
             ${fate.code}, ${fate.text}, ${fate.returnAfterMs}::bigint, ${returnUnits}::numeric,
             ${dueAt}::timestamptz, ${now}::timestamptz, ${now}::timestamptz
        from account
      returning *`.execute(db)
    if (rows[0]) return asTransfer(rows[0])
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
  }
  // The same order came twice at once: the first one won, and the statement of this one changed nothing.
  const first = await findRow(simulator, order.idempotencyKey)
  if (first) return sameOrder(first, order)
  if (by === 'api') await getAccount(simulator, order.iban)
  throw refusal('AM04', `${order.iban} does not hold that much ${order.currency}`)
}

const refusal = (code: string, text: string | null): ProviderError =>
  new ProviderError('bank', 'rejected', describeReason(code, text), { code })

/** The number that stands in a transfer, whatever kind it is. */
const accountOf = (to: TransferTarget): string => ('iban' in to ? to.iban : to.account)

/** SEPA is for euros; a local account takes its country's currency, and its number must have the country's form. */
function refuseWrongTarget({ to, currency }: TransferOrder): void {
  if ('iban' in to) {
    if (!isValidIban(to.iban)) throw refusal('AC01', `${to.iban} is no IBAN`)
    if (currency !== 'EUR') throw refusal('AM03', `SEPA carries no ${currency}`)
    return
  }
  const rule = localAccountRule(to.country)
  if (!rule) throw refusal('RC01', `nothing can be paid to banks in ${to.country}`)
  if (!isValidLocalAccount(to.country, to.account)) throw refusal('AC01', `it is no ${rule.name}`)
  if (currency !== rule.currency) throw refusal('AM03', `banks in ${to.country} take ${rule.currency}`)
}

async function decideFate(simulator: Simulator, { to, toName }: TransferOrder): Promise<PayeeFate> {
  if ('iban' in to && (await isUnknownHere(simulator, to.iban))) return NEVER_GIVEN_OUT
  const magic = magicFate({ to, toName })
  if (magic) return magic
  return (await takeFault(simulator.db, 'bank', ['return'])) ? SENT_BACK : BOOKED
}

async function neverAnswer({ db, timeoutMs = PROVIDER_TIMEOUT_MS }: Simulator): Promise<never> {
  await waitInVain(db, timeoutMs)
  throw new ProviderError('bank', 'unknown', `did not answer in ${timeoutMs} ms`)
}

/** An account number that this bank never gave out: noticed when the transfer is to be booked. */
async function isUnknownHere({ db }: Simulator, iban: string): Promise<boolean> {
  if (!isOwnIban(iban)) return false
  const account = await db
    .selectFrom('simulated.bankAccounts')
    .select('iban')
    .where('iban', '=', iban)
    .executeTakeFirst()
  return account === undefined
}

type TransferRow = Selectable<SimulatedDatabase['simulated.bankTransfers']>

function findRow({ db }: Simulator, idempotencyKey: string): Promise<TransferRow | undefined> {
  return db
    .selectFrom('simulated.bankTransfers')
    .selectAll()
    .where('idempotencyKey', '=', idempotencyKey)
    .executeTakeFirst()
}

async function findTransfer(simulator: Simulator, idempotencyKey: string): Promise<BankTransfer | undefined> {
  const row = await findRow(simulator, idempotencyKey)
  return row && asTransfer(row)
}

function sameOrder(row: TransferRow, order: TransferOrder): BankTransfer {
  if (row.iban === order.iban && row.units === order.units && row.counterpartyIban === accountOf(order.to)) {
    return asTransfer(row)
  }
  throw new ProviderError(
    'bank',
    'rejected',
    `the idempotency key ${order.idempotencyKey} stands for another order`,
    {
      code: 'idempotency_key_reused',
    },
  )
}

function asTransfer(row: TransferRow): BankTransfer {
  return {
    providerRef: row.id,
    idempotencyKey: row.idempotencyKey ?? '',
    iban: row.iban,
    units: row.units,
    state: row.state,
    reason: row.reason,
    reasonText: row.reason === null ? null : row.fateText,
  }
}
