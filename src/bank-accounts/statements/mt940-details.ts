import { normaliseIban } from '../../providers/bank/iban.ts'
import type { Mt940Field } from './read-mt940.ts'
import type { StatementLine } from './statement.ts'
import { joinCut, NO_REASON_TOLD, referenceOf } from './statement-values.ts'

type Details = Pick<
  StatementLine,
  'counterpartyName' | 'counterpartyIban' | 'concept' | 'endToEndId' | 'returnCode' | 'returnText'
>

/** SWIFT cuts a field into lines of this width. */
const LINE_WIDTH = 65
/** German banks cut what a payer wrote, and a name, into fields of this width. */
const GERMAN_WIDTH = 27

/** What `:86:` says of the movement before it, in whichever way the bank writes it. */
export function readDetails(field: Mt940Field, movement: StatementLine): Details {
  // The code, or nothing, may stand alone on the first line.
  const whole = field.lines.join('')
  const german = /^(\d{3})?([^A-Za-z0-9\s,.:/-])(?=\d{2})/.exec(whole)
  if (german !== null) return germanDetails(whole, german[1] ?? '', german[2]!, movement)
  if (/^ *\/[A-Z]{2,5}\//.test(whole)) return taggedDetails(field.lines, movement)
  const text = joinCut(field.lines, LINE_WIDTH)
  const party = /\bREK: ?([A-Z0-9]+)\/NAAM: ?(.*)$/.exec(text)
  return {
    ...movement,
    counterpartyName: party?.[2] ?? movement.counterpartyName,
    counterpartyIban: party?.[1] ?? movement.counterpartyIban,
    // What a bank wrote beside the movement itself stays before what it wrote here.
    concept: joinCut([movement.concept, text], Infinity),
  }
}

/** Codes of the German banks' business transactions for a transfer that came back. */
const GERMAN_RETURNS = new Set(['159'])

function germanDetails(
  whole: string,
  transaction: string,
  separator: string,
  movement: StatementLine,
): Details {
  const fields = new Map<string, string>()
  let key = ''
  for (const piece of whole.split(separator).slice(1)) {
    const begins = /^\d{2}/.test(piece)
    if (begins) key = piece.slice(0, 2)
    // Before anything but a field's number the separator is a character of the text.
    fields.set(key, (fields.get(key) ?? '') + (begins ? piece.slice(2) : separator + piece))
  }
  const inOrder = (from: number, to: number): string[] =>
    Array.from({ length: to - from + 1 }, (_, index) => fields.get(String(from + index)) ?? '')
  const words = sepaWords([...inOrder(20, 29), ...inOrder(60, 63)])
  const givesBack =
    movement.direction === 'credit' && (movement.returnCode !== null || GERMAN_RETURNS.has(transaction))
  const account = fields.get('31') || words.get('IBAN') || null
  const text = words.get('SVWZ') ?? words.get('') ?? ''
  return {
    counterpartyName:
      joinCut(inOrder(32, 33), GERMAN_WIDTH) || words.get('ABWA') || movement.counterpartyName,
    counterpartyIban: account === null ? movement.counterpartyIban : normaliseIban(account),
    concept: text || movement.concept,
    endToEndId: referenceOf(words.get('EREF')) ?? referenceOf(words.get('KREF')) ?? movement.endToEndId,
    returnCode: givesBack ? (reasonIn(text) ?? movement.returnCode ?? NO_REASON_TOLD) : null,
    returnText: givesBack ? text || null : null,
  }
}

const SEPA_WORD = /(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|IBAN|BIC|PURP|RREF)([+:])/g
/** All that follows what the payer wrote: anything else after `SVWZ` is the payer's own. */
const AFTER_TEXT = ['ABWA', 'ABWE']

/**
 * SEPA words stand at the beginning of a field or after a space, and may be cut over two fields; what no word introduces
 * stands under the empty one.
 */
function sepaWords(pieces: readonly string[]): Map<string, string> {
  let text = ''
  const begins = new Set<number>()
  let cut = true
  for (const piece of pieces) {
    if (piece === '') continue
    if (!cut) text += ' '
    begins.add(text.length)
    text += piece
    cut = piece.length >= GERMAN_WIDTH
  }
  const words = new Map<string, string[]>([['', []]])
  let held = words.get('')!
  let from = 0
  for (const { index, 0: written, 1: found, 2: sign } of text.matchAll(SEPA_WORD)) {
    const stands = begins.has(index) || (sign === '+' && /\s/.test(text[index - 1] ?? ''))
    if (!stands || (words.has('SVWZ') && !AFTER_TEXT.includes(found!))) continue
    held.push(text.slice(from, index))
    held = words.get(found!) ?? []
    words.set(found!, held)
    from = index + written.length
  }
  held.push(text.slice(from))
  return new Map([...words].map(([word, texts]) => [word, joinCut(texts, Infinity)]))
}

/** Words of the Dutch way, each between slashes. */
const TAG =
  /\/(RTRN|EREF|ORDP|BENM|NAME|IBAN|BIC|REMI|CSID|MARF|PREF|TRTP|TRCD|CNTP|ISDT|PURP|ULTC|ULTD|SVCL|ADDR|KREF|IREF|ACCW|BUSP|CREF|SWOD|SWOC|CDTRREF|CDTRREFTP|ID|OCMT|CHGS|EXCH|VACC|SRVD|INIT)\//g

function taggedDetails(lines: readonly string[], movement: StatementLine): Details {
  // A line that begins with a tag follows whatever was before it, without a space.
  const text = joinCut(lines, LINE_WIDTH).replaceAll(/ (?=\/[A-Z]{2,9}\/)/g, '')
  const tags = new Map<string, string>()
  const found = [...text.matchAll(TAG)]
  for (const [index, match] of found.entries()) {
    const value = text.slice(match.index + match[0].length, found[index + 1]?.index ?? text.length)
    // A party's or remittance's own tag stands before what it holds and is empty.
    if (!tags.has(match[1]!)) tags.set(match[1]!, withoutSlashes(value).trim())
  }
  const counterparty = tags.get('CNTP')?.split('/') ?? []
  const account = tags.get('IBAN') || tags.get('ACCW')?.split(',')[0] || counterparty[0] || null
  const reason = tags.get('RTRN')
  const givesBack = movement.direction === 'credit' && (movement.returnCode !== null || reason !== undefined)
  return {
    counterpartyName:
      tags.get('NAME') ||
      counterparty[2] ||
      tags.get(movement.direction === 'credit' ? 'ORDP' : 'BENM') ||
      movement.counterpartyName,
    counterpartyIban: account === null ? movement.counterpartyIban : normaliseIban(account),
    concept: remittanceIn(tags.get('REMI')) || movement.concept,
    endToEndId: referenceOf(tags.get('EREF')) ?? movement.endToEndId,
    returnCode: givesBack ? (reasonIn(reason ?? '') ?? movement.returnCode ?? NO_REASON_TOLD) : null,
    returnText: null,
  }
}

/** A pattern for slashes at the end would begin anew at each slash of a text. */
function withoutSlashes(text: string): string {
  let [from, to] = [0, text.length]
  while (from < to && text[from] === '/') from += 1
  while (to > from && text[to - 1] === '/') to -= 1
  return text.slice(from, to)
}

/** `USTD//text`, `STRD/CUR/RF18…`, or the text itself. */
const remittanceIn = (text: string | undefined): string =>
  (text ?? '').replace(/^USTD\/\//, '').replace(/^STRD\/(?:[A-Z]{3}\/)?/, '')

/** A reason of ISO 20022 inside a text. */
const reasonIn = (text: string): string | null =>
  /\b(AC|AG|AM|BE|CNOR|DNOR|DT|ED|FF|MD|MS|RC|RF|RR|SL|TM)\d{2}\b/.exec(text)?.[0] ?? null
