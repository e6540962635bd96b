import { element, leaf } from '../files/xml.ts'
import type { ReadOrderFile } from './read-order-file.ts'

export interface AnsweredOrder {
  paymentId: string
  endToEndId: string
  status: 'ACCP' | 'PDNG' | 'RJCT'
  /** ISO 20022; null unless it is refused. */
  reason: string | null
}

/** The bank's answer to a file, pain.002.001.10: of the file as a whole, and of each order. */
export function writeAnswer({
  file,
  now,
  refused,
  orders,
}: {
  file: Pick<ReadOrderFile, 'format' | 'messageId' | 'statedOrders' | 'payments'>
  now: Date
  /** Why nothing of the file was taken, ISO 20022. */
  refused: string | null
  orders: readonly AnsweredOrder[]
}): string {
  const payments = file.payments.flatMap(({ id }) => {
    const own = orders.filter(({ paymentId }) => paymentId === id)
    if (own.length === 0) return []
    return [
      element(
        'OrgnlPmtInfAndSts',
        leaf('OrgnlPmtInfId', id),
        leaf('PmtInfSts', statusOf(own)),
        ...own.map(({ endToEndId, status, reason }) =>
          element(
            'TxInfAndSts',
            leaf('OrgnlEndToEndId', endToEndId),
            leaf('TxSts', status),
            ...(reason === null ? [] : [reasonOf(reason)]),
          ),
        ),
      ),
    ]
  })
  const content = element(
    'CstmrPmtStsRpt',
    element(
      'GrpHdr',
      leaf('MsgId', `ANSWER-${file.messageId}`.slice(0, 35)),
      leaf('CreDtTm', `${now.toISOString().slice(0, 19)}Z`),
    ),
    element(
      'OrgnlGrpInfAndSts',
      leaf('OrgnlMsgId', file.messageId || 'NOTPROVIDED'),
      leaf('OrgnlMsgNmId', file.format),
      leaf('GrpSts', refused === null ? statusOf(orders) : 'RJCT'),
      ...(refused === null ? [] : [reasonOf(refused)]),
    ),
    ...payments,
  )
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10">${content}</Document>\n`
}

const reasonOf = (code: string): string => element('StsRsnInf', element('Rsn', leaf('Cd', code)))

/** One word for several orders: `PART` unless all have the same. */
function statusOf(orders: readonly AnsweredOrder[]): string {
  const words = new Set(orders.map(({ status }) => status))
  return words.size === 1 ? orders[0]!.status : 'PART'
}
