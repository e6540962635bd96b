import { type Selectable, sql } from 'kysely'
import type { Db } from '../../../db/database.ts'
import type { FileOrdersTable } from '../../../db/schema.ts'
import type { Clock } from '../../../kernel/clock.ts'
import type { Secrets } from '../../../kernel/secrets.ts'
import { ProviderError } from '../../provider-error.ts'
import { isValidIban } from '../iban.ts'
import type { BankProvider, BankTransfer, TransferOrder } from '../port.ts'
import { describeReason } from '../reasons.ts'

/** The purpose that orders are sealed for. */
export const FILE_ORDER_PURPOSE = 'file-order'

/** Whom an order pays, as it is kept sealed. */
export interface OrderedPayee {
  iban: string
  name: string
  concept: string
}

/** The most that a SEPA transfer carries: 999,999,999.99. */
export const MOST_SEPA_UNITS = 99_999_999_999n

/** The part of a bank that takes orders. */
export type OrderTaker = Pick<BankProvider, 'sendTransfer' | 'findTransfer'>

/**
 * Takes the orders of accounts whose bank has no API: each is written down, once for its key, and waits for a file of
 * orders to the bank. What became of it is told by the bank's answer and its statement. The order's id in the file, its
 * `EndToEndId`, is the key; so it is the bank's reference of the transfer, too.
 */
export function createOrderBook({
  db,
  clock,
  secrets,
}: {
  db: Db
  clock: Clock
  secrets: Pick<Secrets, 'seal'>
}): OrderTaker {
  return {
    async sendTransfer(order) {
      const payee = payeeOf(order)
      const now = clock.now()
      const { rows } = await sql<Selectable<FileOrdersTable>>`
        insert into file_orders (idempotency_key, iban, destination_sealed, units, currency, created_at, updated_at)
        values (${order.idempotencyKey}, ${order.iban},
                ${secrets.seal(FILE_ORDER_PURPOSE, JSON.stringify(payee))}, ${order.units}, ${order.currency},
                ${now}, ${now})
        on conflict (idempotency_key) do nothing
        returning *`.execute(db)
      return asTransfer(rows[0] ?? sameOrder(await findRow(db, order.idempotencyKey), order))
    },
    async findTransfer(idempotencyKey) {
      const row = await findRow(db, idempotencyKey)
      return row && asTransfer(row)
    },
  }
}

/** Files carry SEPA transfers alone; what no bank would take is refused before it is in one. */
function payeeOf({
  to,
  toName,
  units,
  currency,
  concept,
  endToEndId,
  idempotencyKey,
}: TransferOrder): OrderedPayee {
  if (!('iban' in to)) throw refusal('AG02', 'files of orders carry SEPA transfers alone')
  if (!isValidIban(to.iban)) throw refusal('AC01', `${to.iban} is no IBAN`)
  if (currency !== 'EUR') throw refusal('AM03', `SEPA carries no ${currency}`)
  if (units <= 0n || units > MOST_SEPA_UNITS) throw refusal('AM02', 'SEPA carries 0.01 to 999999999.99')
  if (endToEndId !== idempotencyKey || !/^[A-Za-z0-9]{1,35}$/.test(endToEndId)) {
    throw refusal('FF01', `${endToEndId} can't be an order's id`)
  }
  return { iban: to.iban, name: toName, concept }
}

const refusal = (code: string, text: string): ProviderError =>
  new ProviderError('bank', 'rejected', describeReason(code, text), { code })

function sameOrder(
  row: Selectable<FileOrdersTable> | undefined,
  { idempotencyKey, iban, units, currency }: TransferOrder,
): Selectable<FileOrdersTable> {
  if (row?.iban === iban && row.units === units && row.currency === currency) return row
  throw new ProviderError('bank', 'rejected', `the key ${idempotencyKey} stands for another order`, {
    code: 'idempotency_key_reused',
  })
}

function findRow(db: Db, idempotencyKey: string): Promise<Selectable<FileOrdersTable> | undefined> {
  return db
    .selectFrom('fileOrders')
    .selectAll()
    .where('idempotencyKey', '=', idempotencyKey)
    .executeTakeFirst()
}

const asTransfer = (row: Selectable<FileOrdersTable>): BankTransfer => ({
  providerRef: row.idempotencyKey,
  idempotencyKey: row.idempotencyKey,
  iban: row.iban,
  units: row.units,
  state: row.state,
  reason: row.reason,
  reasonText: row.reasonText,
})
