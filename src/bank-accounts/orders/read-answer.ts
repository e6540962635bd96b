import { readXml, type XmlElement } from '../statements/read-xml.ts'
import { type Place, StatementError } from '../statements/statement.ts'

/** What a bank says of an order: on its way to being booked, not decided, or refused for good. */
export type OrderVerdict = 'accepted' | 'pending' | 'rejected'

/** Status codes of ISO 20022 that come with credit transfers. */
const VERDICTS: Readonly<Record<string, OrderVerdict>> = {
  ACCC: 'accepted',
  ACCP: 'accepted',
  ACFC: 'accepted',
  ACSC: 'accepted',
  ACSP: 'accepted',
  ACTC: 'accepted',
  ACWC: 'accepted',
  ACWP: 'accepted',
  PART: 'pending',
  PATC: 'pending',
  PDNG: 'pending',
  RCVD: 'pending',
  // Whether the names fit the accounts (verification of payee): nothing is decided by that, the bank waits for the order's signature.
  RCVC: 'pending',
  RVCM: 'pending',
  RVMC: 'pending',
  RVNA: 'pending',
  RVNC: 'pending',
  RVNM: 'pending',
  CANC: 'rejected',
  RJCT: 'rejected',
}

export interface BankStatus {
  /** As the bank wrote it, such as `RJCT`. */
  code: string
  verdict: OrderVerdict
  /** ISO 20022, such as `AC04`, or the bank's own code. */
  reason: string | null
  reasonText: string | null
}

/** A bank's answer to one file of orders (pain.002), as it stands there. */
export interface BankAnswer {
  /** The `MsgId` of the file that it answers. */
  messageId: string
  /** Of the file as a whole; null where the bank says none. */
  group: BankStatus | null
  /** Of groups of orders, by `PmtInfId`. */
  payments: ReadonlyMap<string, BankStatus>
  /** Of single orders, by `EndToEndId`. */
  orders: ReadonlyMap<string, BankStatus>
}

const NAMESPACE = /^urn:iso:std:iso:20022:tech:xsd:pain\.002\.001\.(\d{2})$/
/** These versions write the elements that are read here in one way. */
const FIRST_VERSION = 3
const LAST_VERSION = 14
const IN_PARTS: ReadonlySet<string> = new Set(['CstmrPmtStsRpt', 'OrgnlPmtInfAndSts'])

/** Reads answers of a bank (pain.002.001.03 to .14). Throws `StatementError` with the place of what can't be read. */
export async function readBankAnswers(bytes: AsyncIterable<Uint8Array>): Promise<BankAnswer[]> {
  const answers: Draft[] = []
  for await (const pieces of readXml(bytes, 'CstmrPmtStsRpt', IN_PARTS)) {
    for (const piece of pieces) {
      if (piece.kind === 'open') {
        if (piece.name === 'CstmrPmtStsRpt') answers.push(begin(piece.namespace, piece.place))
        else answers.at(-1)!.paymentId = null
      } else if (piece.kind === 'element') takeElement(answers.at(-1)!, piece.element)
    }
  }
  if (answers.length === 0) {
    throw new StatementError('format', START, 'This is no answer of a bank to a file of orders (pain.002).')
  }
  return answers.map((draft) => {
    if (draft.messageId === null) {
      throw new StatementError('missing', draft.place, 'It does not say which file it answers (OrgnlMsgId).')
    }
    return { ...draft, messageId: draft.messageId }
  })
}

const START: Place = { line: 1, column: 1 }

interface Draft {
  place: Place
  messageId: string | null
  group: BankStatus | null
  payments: Map<string, BankStatus>
  orders: Map<string, BankStatus>
  /** The group of orders that is being read. */
  paymentId: string | null
}

function begin(namespace: string, place: Place): Draft {
  const version = Number(NAMESPACE.exec(namespace)?.[1] ?? 0)
  if (version < FIRST_VERSION || version > LAST_VERSION) {
    throw new StatementError(
      'format',
      place,
      `${namespace || 'This'} is not read here; ask the bank for pain.002.001.03 or pain.002.001.10.`,
    )
  }
  return { place, messageId: null, group: null, payments: new Map(), orders: new Map(), paymentId: null }
}

function takeElement(draft: Draft, element: XmlElement): void {
  switch (element.name) {
    case 'OrgnlGrpInfAndSts':
      draft.messageId = textOf(element, 'OrgnlMsgId')
      draft.group = statusOf(element, 'GrpSts')
      return
    case 'OrgnlPmtInfId':
      draft.paymentId = element.text
      return
    case 'PmtInfSts':
      if (draft.paymentId !== null) draft.payments.set(draft.paymentId, toStatus(element, null))
      return
    case 'StsRsnInf': {
      // It stands after the status of the group of orders that it explains.
      const status = draft.paymentId === null ? undefined : draft.payments.get(draft.paymentId)
      if (status) draft.payments.set(draft.paymentId!, { ...status, ...reasonOf(element) })
      return
    }
    case 'TxInfAndSts': {
      const id = textOf(element, 'OrgnlEndToEndId')
      const status = statusOf(element, 'TxSts')
      if (id === null && status?.verdict === 'rejected') {
        throw new StatementError(
          'missing',
          element.place,
          'It refuses an order and does not say which (OrgnlEndToEndId).',
        )
      }
      if (id !== null && status) draft.orders.set(id, status)
      return
    }
  }
}

const childOf = (element: XmlElement, name: string): XmlElement | undefined =>
  element.children.find((child) => child.name === name)

const textOf = (element: XmlElement, name: string): string | null => childOf(element, name)?.text || null

function statusOf(element: XmlElement, name: string): BankStatus | null {
  const status = childOf(element, name)
  return status ? toStatus(status, childOf(element, 'StsRsnInf') ?? null) : null
}

function toStatus({ text: code, place }: XmlElement, information: XmlElement | null): BankStatus {
  const verdict = VERDICTS[code]
  if (verdict === undefined) {
    throw new StatementError(
      'status',
      place,
      `${JSON.stringify(code.slice(0, 40))} is no status of an order.`,
    )
  }
  return { code, verdict, ...reasonOf(information) }
}

const MOST_TEXT = 500

function reasonOf(information: XmlElement | null): Pick<BankStatus, 'reason' | 'reasonText'> {
  const reason = information && childOf(information, 'Rsn')
  const words = (information?.children ?? [])
    .filter(({ name }) => name === 'AddtlInf')
    .map(({ text }) => text)
  return {
    reason: reason ? (textOf(reason, 'Cd') ?? textOf(reason, 'Prtry')) : null,
    reasonText: words.join(' ').slice(0, MOST_TEXT) || null,
  }
}
