import { fiatAsset } from '../../money/asset.ts'
import { normaliseIban } from '../../providers/bank/iban.ts'
import { batchOf } from './camt-batch.ts'
import type { ToldEntry } from './camt-totals.ts'
import {
  amountIn,
  childOf,
  childrenOf,
  directionOf,
  type Money,
  moneyOf,
  referenceIn,
  textOf,
  timeIn,
} from './camt-values.ts'
import type { XmlElement } from './read-xml.ts'
import { type Place, StatementError, type StatementLine } from './statement.ts'
import { joinCut, NO_REASON_TOLD } from './statement-values.ts'

export interface CamtEntry {
  place: Place
  /** What stands directly in `Ntry`. */
  fields: XmlElement[]
  /** Each `TxDtls` of it. */
  details: XmlElement[]
}

/** Of the statement that an entry stands in. */
interface Around {
  account: string
  /** Null where nothing has told it yet. */
  currency: string | null
  toOn: string | null
}

/** The lines of an entry; none when it isn't booked or moves nothing. Throws `StatementError`. */
export function linesOfEntry(entry: CamtEntry, around: Around): { told: ToldEntry; lines: StatementLine[] } {
  const whole: XmlElement = {
    name: 'Ntry',
    place: entry.place,
    text: '',
    attributes: {},
    children: entry.fields,
  }
  const isLine = isBooked(whole)
  const direction = directionOf(whole)
  if (!isLine) {
    return {
      told: { direction, money: pendingIn(whole, around.currency), booked: false, lines: 0 },
      lines: [],
    }
  }
  const money = amountIn(whole)
  const { units, currency } = money
  const told = { direction, money, booked: true, lines: 0 }
  if (units === 0n) return { told, lines: [] }
  const booked = timeIn(childOf(whole, 'BookgDt'))
  const valued = timeIn(childOf(whole, 'ValDt'))
  const bookedOn = booked?.day ?? valued?.day ?? around.toOn
  if (bookedOn === null) throw new StatementError('missing', entry.place, 'The entry has no day (BookgDt).')
  const bankRef = referenceIn(whole, 'AcctSvcrRef')
  const base = { bookedOn, bookedAt: booked?.time ?? null, valueDate: valued?.day ?? bookedOn }
  const lineOf = (moved: Moved, of: readonly XmlElement[]): StatementLine => ({
    place: entry.place,
    bankRef,
    ...base,
    ...moved,
    balanceUnits: null,
    ...tellOf(whole, of, moved.direction, around.account),
    ...(takesBack(whole, moved.direction) ? { reverses: referencesOf(whole, onlyIn(of)) } : {}),
  })
  const parts = partsOf(entry.details, { direction, units, currency })
  const batch = batchOf(whole, entry.details, parts?.length ?? 1)
  const mark = batch === undefined ? {} : { batch }
  if (parts === null) {
    const line = lineOf({ direction, units, currency }, entry.details)
    line.bankRef ??= referenceIn(childOf(onlyIn(entry.details), 'Refs'), 'AcctSvcrRef')
    return { told: { ...told, lines: 1 }, lines: [{ ...line, ...mark }] }
  }
  const refs = distinctRefs(entry.details, bankRef)
  const lines = parts.map((moved, index) => {
    const details = entry.details[index]!
    return { ...lineOf(moved, [details]), place: details.place, bankRef: refs[index]!, ...mark }
  })
  return { told: { ...told, lines: lines.length }, lines }
}

/** The transaction that a line is of; undefined where it is of several that can't be told apart. */
const onlyIn = (details: readonly XmlElement[]): XmlElement | undefined =>
  details.length === 1 ? details[0] : undefined

/** What isn't booked may be told in whatever currency it was ordered in: null in any but the statement's. */
function pendingIn(entry: XmlElement, currency: string | null): Money | null {
  const said = childOf(entry, 'Amt')?.attributes.Ccy ?? ''
  const isOther = currency === null ? fiatAsset(said)?.symbol !== said : said !== currency
  return isOther ? null : amountIn(entry)
}

type Moved = Pick<StatementLine, 'direction' | 'units' | 'currency'>

/** Version 02 says it in `Sts` itself, version 08 in its `Cd`. What is pending or for information is not booked. */
function isBooked(entry: XmlElement): boolean {
  const status = childOf(entry, 'Sts')
  const code = textOf(status, 'Cd') ?? status?.text
  if (code === 'BOOK') return true
  if (code === 'PDNG' || code === 'INFO' || code === 'FUTR') return false
  const message = 'The entry must say whether it is booked: BOOK, PDNG, INFO or FUTR (Sts).'
  throw new StatementError('status', status?.place ?? entry.place, message)
}

/** What each transaction of a batch moved; null unless there are several and they make exactly the entry. */
function partsOf(details: readonly XmlElement[], entry: Moved): Moved[] | null {
  if (details.length < 2) return null
  let sum = 0n
  const parts: Moved[] = []
  for (const element of details) {
    const money = moneyOfDetails(element, entry.currency)
    if (money === null || money.units === 0n) return null
    const direction = childOf(element, 'CdtDbtInd') === undefined ? entry.direction : directionOf(element)
    sum += direction === entry.direction ? money.units : -money.units
    parts.push({ direction, ...money })
  }
  return sum === entry.units ? parts : null
}

/**
 * Version 08 has the amount in `Amt`, version 02 among the details of it. Each may be in the currency that was ordered
 * or come in: the first that is in the entry's is what was booked; null where none is.
 */
function moneyOfDetails(details: XmlElement, currency: string): Money | null {
  const amounts = childOf(details, 'AmtDtls')
  for (const holder of [details, childOf(amounts, 'TxAmt'), childOf(amounts, 'InstdAmt')]) {
    const amount = childOf(holder, 'Amt')
    if (amount?.attributes.Ccy === currency) return moneyOf(amount)
  }
  return null
}

/** A bank may give every transaction of a batch the entry's reference; each line needs one that no other has. */
function distinctRefs(details: readonly XmlElement[], entryRef: string | null): (string | null)[] {
  const refs = details.map((element) => referenceIn(childOf(element, 'Refs'), 'AcctSvcrRef') ?? entryRef)
  const times = new Map<string | null, number>()
  for (const ref of refs) times.set(ref, (times.get(ref) ?? 0) + 1)
  return refs.map((ref, index) => (ref === null || times.get(ref) === 1 ? ref : `${ref}/${index + 1}`))
}

/** The booking's own side is told (`CdtDbtInd`): a reversal that is a debit takes a credit back. */
const takesBack = (entry: XmlElement, direction: 'credit' | 'debit'): boolean =>
  direction === 'debit' && isReversal(entry)

const isReversal = (entry: XmlElement): boolean => {
  const told = textOf(entry, 'RvslInd')
  return told === 'true' || told === '1'
}

/** By what the bank may name the entry that one takes back: most give both the same reference. */
function referencesOf(entry: XmlElement, details: XmlElement | undefined): string[] {
  const refs = childOf(details, 'Refs')
  const told = [
    referenceIn(refs, 'AcctSvcrRef'),
    referenceIn(entry, 'AcctSvcrRef'),
    referenceIn(refs, 'AcctSvcrTxId'),
    ...childrenOf(refs, 'Prtry').map((proprietary) => referenceIn(proprietary, 'Ref')),
  ]
  return [...new Set(told.filter((ref) => ref !== null))]
}

type Told = Pick<
  StatementLine,
  'counterpartyName' | 'counterpartyIban' | 'concept' | 'endToEndId' | 'returnCode' | 'returnText'
>

/** Who it was with, what for, and whether it gives back what we had sent; of one transaction, or of several in a sum. */
function tellOf(
  entry: XmlElement,
  transactions: readonly XmlElement[],
  direction: 'credit' | 'debit',
  account: string,
): Told {
  const details = onlyIn(transactions)
  const reasons = transactions.map((element) => childOf(element, 'RtrInf'))
  const givesBack =
    direction === 'credit' &&
    (isReversal(entry) ||
      isReturn(entry) ||
      reasons.some((reason) => reason !== undefined) ||
      transactions.some(isReturn))
  return {
    ...counterpartyOf(childOf(details, 'RltdPties'), {
      debtorFirst: (direction === 'credit') !== (givesBack || takesBack(entry, direction)),
      // The payer may stand on the side of a new transfer, and we on none.
      either: takesBack(entry, direction),
      account,
    }),
    concept:
      conceptOf(childOf(details, 'RmtInf')) ||
      textOf(details, 'AddtlTxInf') ||
      textOf(entry, 'AddtlNtryInf') ||
      '',
    endToEndId: referenceIn(childOf(details, 'Refs'), 'EndToEndId'),
    returnCode: givesBack ? (commonOf(reasons.map(codeOf)) ?? NO_REASON_TOLD) : null,
    returnText: givesBack ? commonOf(reasons.map(wordsOf)) : null,
  }
}

/** What all transactions of a line say alike. */
const commonOf = (told: readonly (string | null)[]): string | null =>
  new Set(told).size === 1 ? (told[0] ?? null) : null

function codeOf(reason: XmlElement | undefined): string | null {
  const told = childOf(reason, 'Rsn')
  return textOf(told, 'Cd') ?? textOf(told, 'Prtry')
}

function wordsOf(reason: XmlElement | undefined): string | null {
  const words = childrenOf(reason, 'AddtlInf').map(({ text }) => text)
  return joinCut(words, 105) || null
}

/** The codes of ISO 20022 for a transfer that came back, and for one that was called back. */
function isReturn(element: XmlElement): boolean {
  const family = childOf(childOf(childOf(element, 'BkTxCd'), 'Domn'), 'Fmly')
  const code = textOf(family, 'SubFmlyCd')
  return code === 'RRTN' || code === 'RPCR'
}

/**
 * The other side: the debtor of what came in, the creditor of what went out; what comes back keeps the sides of what
 * was sent. The party for whom somebody else pays stands in only where the one with the account isn't named.
 */
function counterpartyOf(
  parties: XmlElement | undefined,
  { debtorFirst, either, account }: { debtorFirst: boolean; either: boolean; account: string },
): Pick<StatementLine, 'counterpartyName' | 'counterpartyIban'> {
  const sides = (debtorFirst ? ['Dbtr', 'Cdtr'] : ['Cdtr', 'Dbtr']).map((side) => {
    const id = childOf(childOf(parties, `${side}Acct`), 'Id')
    const number = textOf(id, 'IBAN') ?? textOf(childOf(id, 'Othr'), 'Id')
    return {
      name: nameOf(childOf(parties, side)) ?? nameOf(childOf(parties, `Ultmt${side}`)) ?? '',
      iban: number === null ? null : normaliseIban(number),
    }
  })
  const [first, second] = sides
  // Some banks put the sides of a return as of a new transfer: ours is never the other side.
  const isOurs = first!.iban === account && second!.iban !== account && second!.name !== ''
  const isUntold = either && first!.iban === null && first!.name === ''
  const side = isOurs || isUntold ? second! : first!
  return { counterpartyName: side.name, counterpartyIban: side.iban === account ? null : side.iban }
}

/** Version 08 tells a person or company in `Pty`, a bank in `Agt`; version 02 directly. */
function nameOf(party: XmlElement | undefined): string | null {
  const bank = childOf(childOf(party, 'Agt'), 'FinInstnId')
  return textOf(party, 'Nm') ?? textOf(childOf(party, 'Pty'), 'Nm') ?? textOf(bank, 'Nm')
}

/** The payer's words, then each reference of the structured part that isn't among them. */
function conceptOf(remittance: XmlElement | undefined): string {
  const words = joinCut(
    childrenOf(remittance, 'Ustrd').map(({ text }) => text),
    140,
  )
  const structured = childrenOf(remittance, 'Strd').flatMap((part) => [
    textOf(childOf(part, 'CdtrRefInf'), 'Ref'),
    ...childrenOf(part, 'RfrdDocInf').map((document) => textOf(document, 'Nb')),
    ...childrenOf(part, 'AddtlRmtInf').map(({ text }) => text),
  ])
  const added = structured.filter((text): text is string => text !== null && !words.includes(text))
  return [words, ...added].filter((text) => text !== '').join(' ')
}
