import { formatAmount } from '../../../money/amount.ts'
import { assetOf } from '../../../money/asset.ts'
import { sepaText } from '../sepa-text.ts'
import { element, leaf } from './xml.ts'

export const ORDER_FORMATS = ['pain.001.001.03', 'pain.001.001.09'] as const
export type OrderFormat = (typeof ORDER_FORMATS)[number]

export interface OrderFile {
  format: OrderFormat
  /** Names the file to the bank, for good: at most 30 characters `[A-Za-z0-9-]`. */
  messageId: string
  createdAt: Date
  /** The account that pays. */
  debtor: { name: string; iban: string; bic: string }
  /** At least one, each with at least one order. */
  groups: readonly OrderGroup[]
}

/** Orders that are to be carried out on one day. */
export interface OrderGroup {
  /** `YYYY-MM-DD` */
  executeOn: string
  orders: readonly FileOrder[]
}

export interface FileOrder {
  /** Comes to the receiver and onto our statement unchanged. */
  endToEndId: string
  /** Cents. */
  units: bigint
  name: string
  iban: string
  concept: string
}

const MOST_NAME = 70
const MOST_CONCEPT = 140
const BIC = /^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$/

/**
 * A file of SEPA credit transfers, ISO 20022. Each order is asked to be booked by itself (`BtchBookg` false), so that
 * the statement names it. Where the two versions differ: the name of the BIC and how a date is written.
 */
export function writeOrders({ format, messageId, createdAt, debtor, groups }: OrderFile): string {
  const holder = leaf('Nm', nameOf(debtor.name))
  const header = element(
    'GrpHdr',
    leaf('MsgId', messageId),
    leaf('CreDtTm', `${createdAt.toISOString().slice(0, 19)}Z`),
    ...sumsOf(groups.flatMap(({ orders }) => orders)),
    element('InitgPty', holder),
  )
  const payments = groups.map(({ executeOn, orders }, index) =>
    element(
      'PmtInf',
      leaf('PmtInfId', `${messageId}-${index + 1}`),
      leaf('PmtMtd', 'TRF'),
      leaf('BtchBookg', 'false'),
      ...sumsOf(orders),
      element('PmtTpInf', element('SvcLvl', leaf('Cd', 'SEPA'))),
      format === 'pain.001.001.03'
        ? leaf('ReqdExctnDt', executeOn)
        : element('ReqdExctnDt', leaf('Dt', executeOn)),
      element('Dbtr', holder),
      element('DbtrAcct', element('Id', leaf('IBAN', debtor.iban))),
      element('DbtrAgt', element('FinInstnId', bankOf(format, debtor.bic))),
      leaf('ChrgBr', 'SLEV'),
      ...orders.map(writeOrder),
    ),
  )
  const content = element('CstmrCdtTrfInitn', header, ...payments)
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:${format}">${content}</Document>\n`
}

/** The receiver's bank follows from the IBAN; nobody needs its BIC. */
function writeOrder({ endToEndId, units, name, iban, concept }: FileOrder): string {
  const text = sepaText(concept, MOST_CONCEPT)
  return element(
    'CdtTrfTxInf',
    element('PmtId', leaf('EndToEndId', endToEndId)),
    element('Amt', `<InstdAmt Ccy="EUR">${formatAmount(units, EURO)}</InstdAmt>`),
    element('Cdtr', leaf('Nm', nameOf(name))),
    element('CdtrAcct', element('Id', leaf('IBAN', iban))),
    ...(text === '' ? [] : [element('RmtInf', leaf('Ustrd', text))]),
  )
}

const EURO = assetOf('EUR')

function sumsOf(orders: readonly FileOrder[]): string[] {
  const units = orders.reduce((sum, order) => sum + order.units, 0n)
  return [leaf('NbOfTxs', String(orders.length)), leaf('CtrlSum', formatAmount(units, EURO))]
}

/** A name may be left with nothing that SEPA can write; the field must have something. */
const nameOf = (name: string): string => sepaText(name, MOST_NAME) || 'NOTPROVIDED'

function bankOf(format: OrderFormat, bic: string): string {
  if (!BIC.test(bic)) return element('Othr', leaf('Id', 'NOTPROVIDED'))
  return leaf(format === 'pain.001.001.03' ? 'BIC' : 'BICFI', bic)
}
