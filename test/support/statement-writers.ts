import type { CamtMessage } from '../../src/bank-accounts/statements/read-camt.ts'
import type { StatementLine, StatementPart } from '../../src/bank-accounts/statements/statement.ts'
import { formatAmount } from '../../src/money/amount.ts'
import { fiatAsset } from '../../src/money/asset.ts'

/** A part without its place, which only a file has. */
export type WrittenPart = StatementPart extends infer Part
  ? Part extends unknown
    ? Omit<Part, 'place'>
    : never
  : never
export type WrittenLine = Omit<StatementLine, 'place'>

export interface StatementOptions {
  account: string
  currency?: string
  statementRef?: string
  /** `YYYY-MM-DD`, of the statement and of every line that doesn't say its own. */
  on?: string
  openingUnits?: bigint
  /** Read again for each time that the parts are; make it a function of a generator for a statement of any size. */
  lines: () => Iterable<Partial<WrittenLine> & Pick<WrittenLine, 'units'>>
  /** False: no balances, as in a notification. */
  balances?: boolean
}

/** The parts of one statement, made anew each time they are read: nothing is held, however many lines there are. */
export function statementParts(options: StatementOptions): Iterable<WrittenPart> {
  const {
    account,
    currency = 'EUR',
    statementRef = '1',
    on = '2026-03-31',
    openingUnits = 0n,
    balances = true,
  } = options
  return {
    *[Symbol.iterator](): Generator<WrittenPart> {
      yield {
        kind: 'begin',
        account,
        currency,
        statementRef,
        fromOn: on,
        toOn: on,
        openingUnits: balances ? openingUnits : null,
        complete: balances,
      }
      let closing = openingUnits
      for (const given of options.lines()) {
        const line: WrittenLine = {
          bankRef: null,
          bookedOn: on,
          bookedAt: null,
          valueDate: given.bookedOn ?? on,
          direction: 'credit',
          currency,
          balanceUnits: null,
          counterpartyName: '',
          counterpartyIban: null,
          concept: '',
          endToEndId: null,
          returnCode: null,
          returnText: null,
          ...given,
        }
        closing += line.direction === 'credit' ? line.units : -line.units
        yield { kind: 'line', ...line }
      }
      const stated = { lines: null, creditUnits: null, debitUnits: null }
      yield { kind: 'end', closingUnits: balances ? closing : null, toOn: on, stated }
    },
  }
}

/** Pieces of text as a reader takes them, about 64 KB each. */
export async function* bytesOf(
  pieces: Iterable<string>,
  encoding: 'utf8' | 'latin1' | 'utf16le' = 'utf8',
): AsyncGenerator<Uint8Array> {
  let held = ''
  for (const piece of pieces) {
    held += piece
    if (held.length < 65_536) continue
    yield Buffer.from(held, encoding)
    held = ''
  }
  if (held !== '') yield Buffer.from(held, encoding)
}

const amount = (units: bigint, currency: string): string =>
  formatAmount(units < 0n ? -units : units, fiatAsset(currency)!)
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\r', '&#13;')
const tag = (name: string, content: string): string => (content === '' ? '' : `<${name}>${content}</${name}>`)
const direction = (credit: boolean): string => tag('CdtDbtInd', credit ? 'CRDT' : 'DBIT')

/** A camt file of these parts, piece by piece. The parts are read twice: balances stand before the entries. */
export function* writeCamt(
  parts: Iterable<WrittenPart>,
  message: CamtMessage = 'camt.053.001.08',
): Generator<string> {
  const [root, each] = message.startsWith('camt.053')
    ? ['BkToCstmrStmt', 'Stmt']
    : ['BkToCstmrDbtCdtNtfctn', 'Ntfctn']
  const closings: Extract<WrittenPart, { kind: 'end' }>[] = []
  for (const part of parts) if (part.kind === 'end') closings.push(part)
  yield '<?xml version="1.0" encoding="UTF-8"?>\n'
  yield `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:${message}"><${root}>\n`
  yield '<GrpHdr><MsgId>1</MsgId><CreDtTm>2026-04-01T02:00:00Z</CreDtTm></GrpHdr>\n'
  let currency = 'EUR'
  let written = 0
  for (const part of parts) {
    if (part.kind === 'begin') {
      currency = part.currency ?? currency
      yield `<${each}>${camtHead(part, closings[written]!, currency)}\n`
      written += 1
    } else if (part.kind === 'line') {
      yield camtEntry(part, message.endsWith('.08'))
    } else yield `</${each}>\n`
  }
  yield `</${root}></Document>\n`
}

function camtHead(
  head: Extract<WrittenPart, { kind: 'begin' }>,
  end: Extract<WrittenPart, { kind: 'end' }>,
  currency: string,
): string {
  const balance = (code: string, units: bigint | null, day: string | null): string =>
    units === null
      ? ''
      : tag(
          'Bal',
          `<Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp><Amt Ccy="${currency}">${amount(units, currency)}</Amt>` +
            `${direction(units >= 0n)}<Dt><Dt>${day}</Dt></Dt>`,
        )
  const account = /^[A-Z]{2}\d\d/.test(head.account)
    ? tag('IBAN', head.account)
    : tag('Othr', tag('Id', head.account))
  const period =
    head.fromOn === null
      ? ''
      : `<FrToDt><FrDtTm>${head.fromOn}T00:00:00</FrDtTm><ToDtTm>${head.toOn}T00:00:00</ToDtTm></FrToDt>`
  return (
    tag('Id', escaped(head.statementRef ?? '1')) +
    `<CreDtTm>2026-04-01T02:00:00Z</CreDtTm>${period}` +
    tag('Acct', tag('Id', account) + tag('Ccy', currency)) +
    balance('OPBD', head.openingUnits, head.fromOn) +
    balance('CLBD', end.closingUnits, end.toOn)
  )
}

function camtEntry(line: WrittenLine, newer: boolean): string {
  const credit = line.direction === 'credit'
  // What comes back keeps the sides of what was sent.
  const side = credit === (line.returnCode === null) ? 'Dbtr' : 'Cdtr'
  const name = tag('Nm', escaped(line.counterpartyName))
  const iban = line.counterpartyIban
  const account =
    iban === null
      ? ''
      : /^[A-Z]{2}\d\d/.test(iban)
        ? tag('IBAN', iban)
        : tag('Othr', tag('Id', escaped(iban)))
  const pieces = line.concept.match(/.{1,140}/gsu) ?? []
  const details =
    tag('Refs', tag('EndToEndId', escaped(line.endToEndId ?? 'NOTPROVIDED'))) +
    (newer
      ? `<Amt Ccy="${line.currency}">${amount(line.units, line.currency)}</Amt>${direction(credit)}`
      : '') +
    tag('RltdPties', tag(side, newer ? tag('Pty', name) : name) + tag(`${side}Acct`, tag('Id', account))) +
    tag('RmtInf', pieces.map((piece) => tag('Ustrd', escaped(piece))).join('')) +
    (line.returnCode === null
      ? ''
      : tag(
          'RtrInf',
          tag('Rsn', tag('Cd', line.returnCode)) + tag('AddtlInf', escaped(line.returnText ?? '')),
        ))
  return (
    `<Ntry><Amt Ccy="${line.currency}">${amount(line.units, line.currency)}</Amt>${direction(credit)}` +
    (line.reverses === undefined ? '' : tag('RvslInd', 'true')) +
    `${tag('Sts', newer ? tag('Cd', 'BOOK') : 'BOOK')}<BookgDt>` +
    `${line.bookedAt === null ? tag('Dt', line.bookedOn) : tag('DtTm', line.bookedAt.toISOString())}</BookgDt>` +
    `<ValDt><Dt>${line.valueDate}</Dt></ValDt>${tag('AcctSvcrRef', escaped(line.bankRef ?? ''))}` +
    `<NtryDtls><TxDtls>${details}</TxDtls></NtryDtls></Ntry>\n`
  )
}

const six = (day: string): string => day.replaceAll('-', '').slice(2)
const comma = (units: bigint, currency: string): string => {
  const text = amount(units, currency)
  return text.includes('.') ? text.replace('.', ',') : `${text},`
}

/** An MT940 file of these parts; what the lines say is written in the tags that Dutch banks use, or as German banks do. */
export function* writeMt940(
  parts: Iterable<WrittenPart>,
  style: 'tags' | 'german' = 'tags',
): Generator<string> {
  let currency = 'EUR'
  const balance = (field: string, units: bigint, day: string | null): string =>
    `:${field}:${units < 0n ? 'D' : 'C'}${six(day ?? '2026-03-31')}${currency}${comma(units, currency)}\r\n`
  for (const part of parts) {
    if (part.kind === 'begin') {
      currency = part.currency ?? currency
      yield `{1:F01TESTESMMAXXX0000000000}{2:O9400000000000TESTESMMAXXX00000000000000000000N}{4:\r\n:20:1\r\n`
      yield `:25:${part.account}\r\n:28C:${part.statementRef ?? '1'}\r\n`
      yield balance('60F', part.openingUnits ?? 0n, part.fromOn)
    } else if (part.kind === 'line') {
      const [booked, reversed] = part.direction === 'credit' ? ['C', 'RD'] : ['D', 'RC']
      const mark = part.returnCode === null && part.reverses === undefined ? booked : reversed
      const ref = part.bankRef === null ? '' : `//${part.bankRef}`
      yield `:61:${six(part.valueDate)}${six(part.bookedOn).slice(2)}${mark}${comma(part.units, part.currency)}`
      yield `NTRFNONREF${ref}\r\n`
      const text = style === 'tags' ? taggedText(part) : germanText(part)
      yield `:86:${(text.match(/.{1,65}/gsu) ?? ['']).join('\r\n')}\r\n`
    } else {
      yield balance('62F', part.closingUnits ?? 0n, part.toOn)
      yield '-}\r\n'
    }
  }
}

function taggedText(line: WrittenLine): string {
  const pieces = [
    line.returnCode === null ? '' : `/RTRN/${line.returnCode}`,
    line.endToEndId === null ? '' : `/EREF/${line.endToEndId}`,
    line.counterpartyIban === null ? '' : `/IBAN/${line.counterpartyIban}`,
    line.counterpartyName === '' ? '' : `/NAME/${line.counterpartyName}`,
    line.concept === '' ? '' : `/REMI/${line.concept}`,
  ]
  return pieces.join('') || '/REMI/'
}

function germanText(line: WrittenLine): string {
  const cut = (text: string): string[] => text.match(/.{1,27}/gsu) ?? []
  const eref = line.endToEndId === null ? [] : cut(`EREF+${line.endToEndId}`)
  const words = [...eref, ...(line.concept === '' ? [] : cut(`SVWZ+${line.concept}`))]
  const fields = words.map((piece, index) => `?${index < 10 ? 20 + index : 50 + index}${piece}`)
  const names = cut(line.counterpartyName).map((piece, index) => `?${32 + index}${piece}`)
  const iban = line.counterpartyIban === null ? '' : `?31${line.counterpartyIban}`
  return `${line.direction === 'credit' ? '166' : '116'}?00UEBERWEISUNG${fields.join('')}${iban}${names.join('')}`
}

const NUMERIC: Readonly<Record<string, string>> = {
  EUR: '978',
  CLP: '152',
  MXN: '484',
  COP: '170',
  PEN: '604',
  ARS: '032',
}

/** A Norma 43 file of these parts: no names, no references of the bank; to be encoded as `latin1` or `utf8`. */
export function* writeNorma43(parts: Iterable<WrittenPart>): Generator<string> {
  const cents = (units: bigint, decimals: number): string =>
    ((units < 0n ? -units : units) * 10n ** BigInt(2 - decimals)).toString().padStart(14, '0')
  let records = 0
  const record = (text: string): string => {
    records += 1
    return `${text.padEnd(80)}\r\n`
  }
  let account = ''
  let currency = fiatAsset('EUR')!
  let sums = { debits: 0n, debitUnits: 0n, credits: 0n, creditUnits: 0n }
  for (const part of parts) {
    if (part.kind === 'begin') {
      const ccc = part.account.slice(-20)
      account = ccc.slice(0, 8) + ccc.slice(10)
      currency = fiatAsset(part.currency ?? 'EUR')!
      sums = { debits: 0n, debitUnits: 0n, credits: 0n, creditUnits: 0n }
      const opening = part.openingUnits ?? 0n
      yield record(
        `11${account}${six(part.fromOn ?? '2026-03-31')}${six(part.toOn ?? '2026-03-31')}${opening < 0n ? 1 : 2}` +
          `${cents(opening, currency.decimals)}${NUMERIC[currency.symbol]}3RAMPA SL`,
      )
    } else if (part.kind === 'line') {
      const credit = part.direction === 'credit'
      sums[credit ? 'credits' : 'debits'] += 1n
      sums[credit ? 'creditUnits' : 'debitUnits'] += part.units
      yield record(
        `22    0001${six(part.bookedOn)}${six(part.valueDate)}${part.returnCode === null ? '04' : '14'}` +
          `001${credit ? 2 : 1}${cents(part.units, currency.decimals)}${'0'.repeat(10)}${'0'.repeat(12)}`,
      )
      const words = part.concept.match(/.{1,76}/gsu) ?? []
      for (const [index, piece] of words.slice(0, 5).entries()) yield record(`230${index + 1}${piece}`)
    } else {
      const count = (many: bigint): string => (many % 100_000n).toString().padStart(5, '0')
      const closing = part.closingUnits ?? 0n
      yield record(
        `33${account}${count(sums.debits)}${cents(sums.debitUnits, currency.decimals)}${count(sums.credits)}` +
          `${cents(sums.creditUnits, currency.decimals)}${closing < 0n ? 1 : 2}${cents(closing, currency.decimals)}` +
          `${NUMERIC[currency.symbol]}`,
      )
    }
  }
  yield `${`88${'9'.repeat(18)}${String(records % 1_000_000).padStart(6, '0')}`.padEnd(80)}\r\n`
}

/** The columns of `writeCsv`, as the mapping of the CSV reader has them. */
export const CSV_MAPPING = {
  delimiter: ';',
  date_format: 'DD/MM/YYYY',
  decimal: ',',
  columns: {
    account: 'Cuenta',
    currency: 'Divisa',
    booked_on: 'Fecha',
    value_date: 'Fecha valor',
    amount: 'Importe',
    balance: 'Saldo',
    counterparty_name: 'Nombre',
    counterparty_iban: 'IBAN',
    concept: ['Concepto'],
    bank_ref: 'Referencia',
    end_to_end_id: 'EndToEnd',
  },
} as const

/** A CSV file of these parts, with the columns of `CSV_MAPPING`. */
export function* writeCsv(parts: Iterable<WrittenPart>): Generator<string> {
  const day = (text: string): string => text.split('-').reverse().join('/')
  const quoted = (text: string): string => (/[";\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  const signed = (units: bigint, currency: string): string =>
    formatAmount(units, fiatAsset(currency)!).replace('.', ',')
  yield 'Cuenta;Divisa;Fecha;Fecha valor;Importe;Saldo;Nombre;IBAN;Concepto;Referencia;EndToEnd\r\n'
  let account = ''
  for (const part of parts) {
    if (part.kind === 'begin') account = part.account
    if (part.kind !== 'line') continue
    const row = [
      account,
      part.currency,
      day(part.bookedOn),
      day(part.valueDate),
      signed(part.direction === 'credit' ? part.units : -part.units, part.currency),
      part.balanceUnits === null ? '' : signed(part.balanceUnits, part.currency),
      part.counterpartyName,
      part.counterpartyIban ?? '',
      part.concept,
      part.bankRef ?? '',
      part.endToEndId ?? '',
    ]
    yield `${row.map(quoted).join(';')}\r\n`
  }
}
