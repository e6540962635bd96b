import { SaxesParser } from 'saxes'

/** A file of orders as the simulated bank reads it: what it needs of pain.001, in either version. */
export interface ReadOrderFile {
  /** Such as `pain.001.001.09`. */
  format: string
  messageId: string
  statedOrders: string
  statedSum: string
  payments: { id: string; iban: string; orders: ReadOrder[] }[]
}

export interface ReadOrder {
  endToEndId: string
  amount: string
  currency: string
  name: string
  iban: string
  concept: string
}

const NAMESPACE = 'urn:iso:std:iso:20022:tech:xsd:'

/** Reads a file of orders. Throws when it is no well-formed XML or no pain.001. */
export function readOrderFile(xml: string): ReadOrderFile {
  const file: ReadOrderFile = { format: '', messageId: '', statedOrders: '', statedSum: '', payments: [] }
  const path: string[] = []
  let text = ''
  let currency = ''
  const parser = new SaxesParser({ xmlns: true })
  parser.on('error', (error) => {
    throw error
  })
  parser.on('doctype', () => {
    throw new Error('A document type has no place in a file of orders.')
  })
  parser.on('opentag', ({ local, uri, attributes }) => {
    if (path.length === 0) file.format = uri.startsWith(NAMESPACE) ? uri.slice(NAMESPACE.length) : uri
    path.push(local)
    text = ''
    if (local === 'PmtInf') file.payments.push({ id: '', iban: '', orders: [] })
    if (local === 'CdtTrfTxInf') {
      file.payments
        .at(-1)!
        .orders.push({ endToEndId: '', amount: '', currency: '', name: '', iban: '', concept: '' })
    }
    if (local === 'InstdAmt') currency = attributes.Ccy?.value ?? ''
  })
  parser.on('text', (more) => {
    text += more
  })
  parser.on('closetag', () => {
    takeText(file, path.slice(2).join('/'), { text: text.trim(), currency })
    path.pop()
    text = ''
  })
  parser.write(xml).close()
  if (!/^pain\.001\.001\.(03|09)$/.test(file.format))
    throw new Error(`Its format is ${file.format || 'none of ISO 20022'}.`)
  return file
}

/** `path` is below the message's own element. */
function takeText(
  file: ReadOrderFile,
  path: string,
  { text, currency }: { text: string; currency: string },
): void {
  const payment = file.payments.at(-1)
  const order = payment?.orders.at(-1)
  switch (path) {
    case 'GrpHdr/MsgId':
      file.messageId = text
      return
    case 'GrpHdr/NbOfTxs':
      file.statedOrders = text
      return
    case 'GrpHdr/CtrlSum':
      file.statedSum = text
      return
    case 'PmtInf/PmtInfId':
      payment!.id = text
      return
    case 'PmtInf/DbtrAcct/Id/IBAN':
      payment!.iban = text
      return
    case 'PmtInf/CdtTrfTxInf/PmtId/EndToEndId':
      order!.endToEndId = text
      return
    case 'PmtInf/CdtTrfTxInf/Amt/InstdAmt':
      order!.amount = text
      order!.currency = currency
      return
    case 'PmtInf/CdtTrfTxInf/Cdtr/Nm':
      order!.name = text
      return
    case 'PmtInf/CdtTrfTxInf/CdtrAcct/Id/IBAN':
      order!.iban = text
      return
    case 'PmtInf/CdtTrfTxInf/RmtInf/Ustrd':
      order!.concept = text
      return
  }
}
