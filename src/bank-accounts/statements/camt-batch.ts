import { amountIn, childOf, childrenOf, directionOf, moneyOf, referenceIn, textOf } from './camt-values.ts'
import type { XmlElement } from './read-xml.ts'
import type { BatchMark } from './statement.ts'

/** The name of a sum by the bank's own reference of the entry. */
export const entryName = (ref: string): string => `entry:${ref}`

/**
 * What an entry says of the sum that it is, or whose transfers it tells; undefined of an entry that is one line and
 * doesn't speak of a batch. `NtryRef` is no name: most banks count the entries of a message by it, so that two messages
 * have the same one for different entries. `MsgId` counts only without a `PmtInfId`, as a message may hold several batches.
 */
export function batchOf(
  entry: XmlElement,
  details: readonly XmlElement[],
  lines: number,
): BatchMark | undefined {
  const batches = childrenOf(entry, 'Btch')
  if (lines === 1 && details.length < 2 && batches.length === 0 && !isOrderedSum(entry, details[0])) {
    return undefined
  }
  const batch = batches.length === 1 ? batches[0] : undefined
  const said = textOf(batch, 'NbOfTxs')
  const count = said !== null && /^[1-9]\d{0,6}$/.test(said) ? Number(said) : details.length
  // Some banks tell the transfers of a batch in entries of their own, and of each the whole batch.
  const total = childOf(batch, 'TtlAmt')
  const booked = amountIn(entry)
  // In the currency that was ordered it can't be compared and says nothing.
  const isOneOf = total?.attributes.Ccy === booked.currency && moneyOf(total).units !== booked.units
  const parts = details.map((element) => childOf(element, 'Refs'))
  const name = (field: string): string | null => nameOf([batch], field) ?? nameOf(parts, field)
  const own = referenceIn(entry, 'AcctSvcrRef')
  const order = name('PmtInfId')
  const message = order === null ? name('MsgId') : null
  const refs = [
    ...(own === null ? [] : [entryName(own)]),
    ...(order === null ? [] : [`batch:${order}`]),
    ...(message === null ? [] : [`message:${message}`]),
  ]
  const { line, column } = entry.place
  const place = { entry: `${line}:${column}`, refs }
  if (isOneOf) return { ...place, transfers: details.length < 2 ? 1 : null }
  return { ...place, transfers: count > 1 ? count : null }
}

/** Some banks tell a sum of orders as one transaction that names the orders' file and no order. */
function isOrderedSum(entry: XmlElement, details: XmlElement | undefined): boolean {
  const refs = childOf(details, 'Refs')
  const named = (field: string): boolean => referenceIn(refs, field) !== null
  return directionOf(entry) === 'debit' && !named('EndToEndId') && (named('PmtInfId') || named('MsgId'))
}

/** What all of these say in this field; null where one says nothing or another thing. */
function nameOf(elements: readonly (XmlElement | undefined)[], field: string): string | null {
  const names = new Set(elements.map((element) => referenceIn(element, field)))
  const [name] = names
  return names.size === 1 ? (name ?? null) : null
}
