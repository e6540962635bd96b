import { type ImportedFile, importStatement } from '../../src/bank-accounts/import-statement.ts'
import { openStatement } from '../../src/bank-accounts/statements/detect-format.ts'
import type { StatementWorld } from './statements.ts'

/** An entry of a camt file, in whole euros. */
export interface Entry {
  euros: number
  direction?: 'CRDT' | 'DBIT'
  /** `AcctSvcrRef` */
  ref?: string
  /** `NtryRef`; most banks count by it. */
  count?: string
  /** `Btch` */
  batch?: { order?: string; message?: string; transfers?: number; euros?: number }
  /** Each `TxDtls`; without any the entry is told in one sum. */
  transfers?: { euros: number; ref?: string; payer?: string; key?: string }[]
}

const DAY = '2026-03-02'
const tag = (name: string, content: string | number | undefined): string =>
  content === undefined || content === '' ? '' : `<${name}>${content}</${name}>`
const amount = (name: string, euros: number): string => `<${name} Ccy="EUR">${euros}.00</${name}>`

/** A day's statement of account that opens with so many euros. */
export function camt053(
  iban: string,
  entries: readonly Entry[],
  { opening = 0, day = DAY, number = '1' } = {},
): string {
  const moved = entries.reduce(
    (sum, { euros, direction }) => sum + (direction === 'DBIT' ? -euros : euros),
    opening,
  )
  const balance = (code: string, euros: number): string =>
    tag(
      'Bal',
      `<Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp>${amount('Amt', Math.abs(euros))}` +
        `<CdtDbtInd>${euros < 0 ? 'DBIT' : 'CRDT'}</CdtDbtInd><Dt><Dt>${day}</Dt></Dt>`,
    )
  const balances = balance('OPBD', opening) + balance('CLBD', moved)
  return document('camt.053.001.08', 'BkToCstmrStmt', 'Stmt', { iban, number, balances, entries, day })
}

/** A notification. */
export const camt054 = (iban: string, entries: readonly Entry[], { day = DAY, number = '1' } = {}): string =>
  document('camt.054.001.08', 'BkToCstmrDbtCdtNtfctn', 'Ntfctn', {
    iban,
    number,
    balances: '',
    entries,
    day,
  })

interface Content {
  iban: string
  number: string
  balances: string
  entries: readonly Entry[]
  day: string
}

function document(
  message: string,
  root: string,
  each: string,
  { iban, number, balances, entries, day }: Content,
): string {
  return (
    `<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:${message}"><${root}>` +
    `<GrpHdr><MsgId>G</MsgId><CreDtTm>${day}T22:00:00Z</CreDtTm></GrpHdr><${each}><Id>${number}</Id>` +
    `<CreDtTm>${day}T22:00:00Z</CreDtTm><Acct><Id><IBAN>${iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>${balances}` +
    `${entries.map((entry) => entryOf(entry, day)).join('')}</${each}></${root}></Document>`
  )
}

function entryOf(
  { euros, direction = 'CRDT', ref, count, batch, transfers = [] }: Entry,
  day: string,
): string {
  const side = direction === 'CRDT' ? 'Dbtr' : 'Cdtr'
  const details = transfers.map((one) =>
    tag(
      'TxDtls',
      tag('Refs', tag('AcctSvcrRef', one.ref) + tag('EndToEndId', one.key ?? 'NOTPROVIDED')) +
        amount('Amt', one.euros) +
        `<CdtDbtInd>${direction}</CdtDbtInd>` +
        (one.payer === undefined ? '' : tag('RltdPties', tag(side, tag('Pty', tag('Nm', one.payer))))),
    ),
  )
  const head =
    batch &&
    tag(
      'Btch',
      tag('MsgId', batch.message) +
        tag('PmtInfId', batch.order) +
        tag('NbOfTxs', batch.transfers) +
        (batch.euros === undefined ? '' : amount('TtlAmt', batch.euros)),
    )
  return (
    `<Ntry>${tag('NtryRef', count)}${amount('Amt', euros)}<CdtDbtInd>${direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>` +
    `<BookgDt><Dt>${day}</Dt></BookgDt><ValDt><Dt>${day}</Dt></ValDt>${tag('AcctSvcrRef', ref)}` +
    `${tag('NtryDtls', (head ?? '') + details.join(''))}</Ntry>`
  )
}

let files = 0

/** Imports a file as the command does; a space at its end makes it another one each time. */
export function importFile(world: StatementWorld, text: string): Promise<ImportedFile> {
  files += 1
  const bytes = Buffer.from(`${text}\n${' '.repeat(files)}`)
  return importStatement(world, {
    fileName: `file-${files}.xml`,
    bytes: (async function* () {
      yield bytes
    })(),
    source: 'command',
    who: 'tester',
    open: (kept) => openStatement(kept),
  })
}
