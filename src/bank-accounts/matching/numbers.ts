import { isConcept, readConcepts } from '../../onramp/concept.ts'

/** How a number of ours stands in what the bank tells. */
export type NumberFound =
  /** It is all that the payer wrote, but for words such as "payment" or "ref". */
  | 'alone'
  /** Among other words. */
  | 'sentence'
  /** Not in the payer's text, but in the transfer's id or the payer's name. */
  | 'field'
  /** With letters for digits, as O for 0. */
  | 'letters'
  /** With one mistake in typing. */
  | 'mistake'

export type Mistake =
  | 'one digit is wrong'
  | 'two digits are swapped'
  | 'a digit is missing'
  | 'a digit too many'

/** What the bank tells of a line, as far as it may hold a number. */
export interface LineTexts {
  concept: string
  endToEndId: string | null
  payerName: string
}

/** The numbers with right check digits, and how each stands there: the payer's own text comes first. */
export function readNumbers({ concept, endToEndId, payerName }: LineTexts): Map<number, NumberFound> {
  const found = new Map<number, NumberFound>()
  const add = (numbers: readonly number[], how: NumberFound): void => {
    for (const number of numbers) if (!found.has(number)) found.set(number, how)
  }
  const written = readConcepts(concept)
  add(written, written.length === 1 && isAlone(concept) ? 'alone' : 'sentence')
  const digits = withDigitsForLetters(concept)
  if (digits !== concept) add(readConcepts(digits), 'letters')
  add([...readConcepts(endToEndId ?? ''), ...readConcepts(payerName)], 'field')
  return found
}

/** Words that payers put beside a number, in the languages of our customers; none of them means another thing. */
const LABELS = new Set(
  'CONCEPT CONCEPTO CONCEITO REF REFERENCE REFERENCIA REFERENZ PAYMENT PAGO PAGAMENTO PEDIDO ORDER ORDEN TRANSFER TRANSFERENCIA UBERWEISUNG ZAHLUNG VERWENDUNGSZWECK NUMBER NUMERO NR NO N CRYPTO CRIPTO'.split(
    ' ',
  ),
)

/** Whether the text is one number and words that say no more than that it is one. */
export function isAlone(text: string): boolean {
  const words = text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toUpperCase()
  const runs = words.match(/\d(?:[\d .\-/]*\d)?/g) ?? []
  return runs.length <= 1 && (words.match(/[A-Z]+/g) ?? []).every((word) => LABELS.has(word))
}

const OTHER_PURPOSES =
  /\b(FACTURAS?|FRA|FACT|RECIBOS?|NOMINA|ALQUILER|RENTA|SEGURO|POLIZA|EXPEDIENTE|MATRICULA|TEL|TLF|MOVIL|INVOICE|INV|RENT|SALARY|WAGES|RECHNUNG|RG|MIETE|GEHALT|LOHN|KUNDENNR|FATURA|RENDA|ALUGUER|SALARIO)\b/
const LONG_NUMBERS = /\d{5,}/g

/**
 * Whether a text without a payment's number speaks of something else, or has a long number that is none of ours. Where it
 * `namesAnother` payment, numbers with right check digits are not counted: that one's speaks for itself.
 */
export function hasOtherPurpose(concept: string, { namesAnother = false } = {}): boolean {
  const plain = concept.normalize('NFKD').replaceAll(/\p{M}/gu, '').toUpperCase()
  if (OTHER_PURPOSES.test(plain)) return true
  const numbers = plain.match(LONG_NUMBERS) ?? []
  return numbers.some((number) => !namesAnother || readConcepts(number).length === 0)
}

/** Letters that look like digits, where most of what they stand among are digits. */
function withDigitsForLetters(text: string): string {
  return text.replaceAll(/[0-9OoQIl|SsB]{5,}/g, (run) => {
    if (run.replaceAll(/\D/g, '').length * 2 <= run.length) return run
    return run
      .replaceAll(/[OoQ]/g, '0')
      .replaceAll(/[Il|]/g, '1')
      .replaceAll(/[Ss]/g, '5')
      .replaceAll('B', '8')
  })
}

const SHORTEST = 5
const LONGEST = 12
/** A text with more numbers than this is a list, and the number asked for isn't the one mistyped. */
const MOST_RUNS = 4

/**
 * The numbers with right check digits that are one mistake away from what is written: one wrong digit, two neighbours
 * swapped, a digit missing or one too many. The check digits leave about one in a hundred of all that are near.
 */
export function readNearNumbers(concept: string): Map<number, Mistake> {
  const text = withDigitsForLetters(concept)
  const joined = (text.match(/\d(?:[\d .\-/]*\d)?/g) ?? []).map((run) => run.replaceAll(/\D/g, ''))
  const runs = new Set([...(text.match(/\d+/g) ?? []), ...joined].map((run) => run.replace(/^0+/, '')))
  const found = new Map<number, Mistake>()
  for (const run of [...runs]
    .filter(({ length }) => length >= SHORTEST && length <= LONGEST)
    .slice(0, MOST_RUNS)) {
    for (const [number, mistake] of nearNumbers(run)) if (!found.has(number)) found.set(number, mistake)
  }
  return found
}

const DIGITS = [...'0123456789']

function nearNumbers(run: string): Map<number, Mistake> {
  const found = new Map<number, Mistake>()
  const add = (digits: string, mistake: Mistake): void => {
    const number = Number(digits)
    if (digits[0] !== '0' && number % 97 === 1 && isConcept(number) && !found.has(number))
      found.set(number, mistake)
  }
  for (let at = 0; at <= run.length; at += 1) {
    const [before, here, after] = [run.slice(0, at), run[at], run.slice(at + 1)]
    if (here !== undefined) {
      for (const digit of DIGITS) if (digit !== here) add(before + digit + after, 'one digit is wrong')
      if (after !== '' && after[0] !== here) {
        add(before + after[0] + here + after.slice(1), 'two digits are swapped')
      }
      add(before + after, 'a digit too many')
    }
    for (const digit of DIGITS) add(before + digit + run.slice(at), 'a digit is missing')
  }
  return found
}
