import { type Selectable, sql } from 'kysely'
import type { SimulatedDatabase } from '../../../db/simulated-schema.ts'
import { formatAmount } from '../../../money/amount.ts'
import { assetOf } from '../../../money/asset.ts'
import type { Simulator } from '../../simulated/simulator.ts'
import { element, leaf } from '../files/xml.ts'
import { sepaText } from '../sepa-text.ts'

type LineRow = Selectable<SimulatedDatabase['simulated.bankLines']> & {
  transferDirection: 'in' | 'out'
  idempotencyKey: string | null
  counterpartyName: string
  counterpartyIban: string | null
  concept: string
  endToEndId: string | null
  fateCode: string | null
  fateText: string | null
}

export interface StatementOrder {
  iban: string
  /** Days of booking, `YYYY-MM-DD`, both included. */
  from: string
  to: string
  /** Whether the debits of a file of orders stand as one sum, as some banks book them whatever the file asks. */
  batches?: boolean
}

/**
 * The statement of a simulated account over some days, camt.053.001.08: opening and closing balance and every booked
 * line, of our orders with the ids that they carried. It is how an account without an API tells what happened.
 */
export async function writeSimulatedStatement(
  { db, clock }: Pick<Simulator, 'db' | 'clock'>,
  { iban, from, to, batches = false }: StatementOrder,
): Promise<string> {
  const account = await db
    .selectFrom('simulated.bankAccounts')
    .select(['currency', 'balanceUnits', 'holderName'])
    .where('iban', '=', iban)
    .executeTakeFirstOrThrow()
  const { rows } = await sql<LineRow>`
    select l.*, t.direction as transfer_direction, t.idempotency_key, t.counterparty_name, t.counterparty_iban, t.concept,
           t.end_to_end_id, t.fate_code, t.fate_text
      from simulated.bank_lines l join simulated.bank_transfers t on t.id = l.transfer_id
     where l.iban = ${iban} and l.booked_at >= ${`${from}T00:00:00Z`}::timestamptz order by l.line`.execute(
    db,
  )
  const signed = ({ direction, units }: LineRow): bigint => (direction === 'credit' ? units : -units)
  const sumOf = (lines: readonly LineRow[]): bigint => lines.reduce((sum, line) => sum + signed(line), 0n)
  const dayOf = ({ bookedAt }: LineRow): string => bookedAt.toISOString().slice(0, 10)
  const lines = rows.filter((line) => dayOf(line) <= to)
  const closing = account.balanceUnits - sumOf(rows.slice(lines.length))
  const { currency } = account
  const now = `${clock.now().toISOString().slice(0, 19)}Z`
  const content = element(
    'BkToCstmrStmt',
    element('GrpHdr', leaf('MsgId', `STATEMENT-${from}-${to}`), leaf('CreDtTm', now)),
    element(
      'Stmt',
      leaf('Id', `${iban}-${to}`.slice(0, 35)),
      leaf('CreDtTm', now),
      element('FrToDt', leaf('FrDtTm', `${from}T00:00:00Z`), leaf('ToDtTm', `${to}T23:59:59Z`)),
      element('Acct', element('Id', leaf('IBAN', iban)), leaf('Ccy', currency)),
      balance('OPBD', { units: closing - sumOf(lines), currency, day: from }),
      balance('CLBD', { units: closing, currency, day: to }),
      ...entriesOf(lines, batches).map((entry) => writeEntry(entry, currency)),
    ),
  )
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">${content}</Document>\n`
}

/** Lines that stand as one entry; a file of orders has its name then. */
interface Entry {
  lines: LineRow[]
  messageId: string | null
}

function entriesOf(lines: readonly LineRow[], batches: boolean): Entry[] {
  const groups = Map.groupBy(lines, (line) => {
    const messageId = line.direction === 'debit' ? (line.idempotencyKey?.split(':')[1] ?? null) : null
    return batches && messageId !== null ? `file ${messageId}` : `line ${line.line}`
  })
  return [...groups].map(([key, own]) => ({
    lines: own,
    messageId: key.startsWith('file ') ? key.slice('file '.length) : null,
  }))
}

const amount = (units: bigint, currency: string): string =>
  `<Amt Ccy="${currency}">${formatAmount(units < 0n ? -units : units, assetOf(currency))}</Amt>`

const side = (isCredit: boolean): string => leaf('CdtDbtInd', isCredit ? 'CRDT' : 'DBIT')

const balance = (
  code: string,
  { units, currency, day }: { units: bigint; currency: string; day: string },
): string =>
  element(
    'Bal',
    element('Tp', element('CdOrPrtry', leaf('Cd', code))),
    amount(units, currency),
    side(units >= 0n),
    element('Dt', leaf('Dt', day)),
  )

function writeEntry({ lines, messageId }: Entry, currency: string): string {
  const [first] = lines as [LineRow]
  const units = lines.reduce((sum, line) => sum + line.units, 0n)
  return element(
    'Ntry',
    amount(units, currency),
    side(first.direction === 'credit'),
    element('Sts', leaf('Cd', 'BOOK')),
    element('BookgDt', leaf('DtTm', first.bookedAt.toISOString())),
    element('ValDt', leaf('Dt', first.bookedAt.toISOString().slice(0, 10))),
    leaf('AcctSvcrRef', `L${String(first.line).padStart(10, '0')}`),
    element('BkTxCd', element('Prtry', leaf('Cd', 'SCT'))),
    ...(messageId === null
      ? [element('NtryDtls', detailsOf(first))]
      : [leaf('AddtlNtryInf', `Orders of file ${messageId}, ${lines.length} in all`)]),
  )
}

/** A name is never missing; what SEPA can't write is not written. */
function detailsOf(line: LineRow): string {
  const givesBack = line.transferDirection === 'out' && line.direction === 'credit'
  const role = line.transferDirection === 'out' ? 'Cdtr' : 'Dbtr'
  const concept = sepaText(line.concept, 140)
  return element(
    'TxDtls',
    element('Refs', leaf('EndToEndId', line.endToEndId ?? 'NOTPROVIDED')),
    element(
      'RltdPties',
      element(role, element('Pty', leaf('Nm', sepaText(line.counterpartyName, 70) || 'NOTPROVIDED'))),
      ...(line.counterpartyIban === null
        ? []
        : [element(`${role}Acct`, element('Id', leaf('IBAN', line.counterpartyIban)))]),
    ),
    ...(concept === '' ? [] : [element('RmtInf', leaf('Ustrd', concept))]),
    ...(givesBack
      ? [
          element(
            'RtrInf',
            element('Rsn', leaf('Cd', line.fateCode ?? 'MS03')),
            ...(line.fateText === null ? [] : [leaf('AddtlInf', sepaText(line.fateText, 105))]),
          ),
        ]
      : []),
  )
}
