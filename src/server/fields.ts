import { type TSchema, Type } from 'typebox'

/**
 * Field schemas that the endpoints share. A field marked `x-text` may be sent as a JSON number; it reaches the
 * handler as the digits that were sent, never as what a parser rounded them to.
 */

/** A decimal amount in major units: JSON number or decimal string. Reaches the handler as decimal text. */
export const Amount = (description: string) =>
  Type.Unsafe<string>({ type: 'string', format: 'amount', 'x-text': true, description, examples: ['150.50'] })

/** A customer's id: JSON integer or digit string. Reaches the handler as digits. */
export const CustomerId = (description = 'The id that registerUser answered.') =>
  Type.Unsafe<string>({
    type: 'string',
    format: 'customer-id',
    'x-text': true,
    description,
    examples: ['100001'],
  })

/** Text that isn't blank, without control characters. */
export const Text = (description: string, maxLength = 255) =>
  Type.Unsafe<string>({ type: 'string', format: 'text', minLength: 1, maxLength, description })

/** A web address, http(s) only, without credentials. */
export const WebAddress = (description: string) =>
  Type.Unsafe<string>({ type: 'string', format: 'web-address', maxLength: 2048, description })

export const CoinSymbol = (description = 'The coin, such as `USDC`; any case.') =>
  Type.Unsafe<string>({ type: 'string', format: 'symbol', maxLength: 16, description, examples: ['USDC'] })

export const Chain = (description = 'The chain, such as `polygon`; any case.') =>
  Type.Unsafe<string>({ type: 'string', format: 'chain', maxLength: 32, description, examples: ['polygon'] })

/** A currency by its ISO 4217 code. */
export const Currency = (description: string) =>
  Type.Unsafe<string>({ type: 'string', format: 'symbol', maxLength: 16, description, examples: ['EUR'] })

export const Country = (description: string) =>
  Type.Unsafe<string>({ type: 'string', format: 'country', description, examples: ['ES'] })

export const PaymentId = Type.Unsafe<string>({
  type: 'string',
  maxLength: 64,
  description: 'The payment_id.',
})

/** One of these words. */
export const OneOf = <const Word extends string>(words: readonly Word[], description?: string) =>
  Type.Unsafe<Word>({ type: 'string', enum: [...words], ...(description && { description }) })

/** A time in an answer. */
export const WireTime = Type.Unsafe<string>({
  type: 'string',
  format: 'date-time',
  examples: ['2026-06-26T10:30:00.000000Z'],
})

/** A time in a request, see `readMoment`. */
export const Moment = (description: string) =>
  Type.Unsafe<string>({
    type: 'string',
    format: 'moment',
    maxLength: 40,
    description,
    examples: ['2026-06-26T10:30:00Z'],
  })

export const Uuid = (description: string) =>
  Type.Unsafe<string>({ type: 'string', format: 'uuid', maxLength: 36, description })

export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** The formats named above: what a value must look like, and the text for people when it doesn't. */
export const FORMATS: Record<string, { test: (value: string) => boolean; message: string }> = {
  amount: {
    test: (value) => /^(0|[1-9]\d{0,29})(\.\d{1,30})?$/.test(value) && /[1-9]/.test(value),
    message:
      'must be a positive decimal number in major units, such as 150.50, without sign, exponent or separators',
  },
  'customer-id': {
    test: (value) => /^[1-9]\d{0,14}$/.test(value),
    message: 'must be the integer id of a customer',
  },
  text: {
    test: (value) => value.trim() !== '' && !/[\u0000-\u001f\u007f-\u009f]/.test(value),
    message: 'must not be blank or contain control characters',
  },
  'web-address': {
    test: isWebAddress,
    message: 'must be a complete http(s) address without user name or password',
  },
  symbol: { test: (value) => /^[A-Za-z0-9]{1,16}$/.test(value), message: 'must be letters and digits' },
  chain: {
    test: (value) => /^[A-Za-z0-9_-]{1,32}$/.test(value),
    message: 'must be letters, digits and hyphens',
  },
  country: {
    test: (value) => /^[A-Za-z]{2}$/.test(value),
    message: 'must be a country of ISO 3166-1 alpha-2, such as ES',
  },
  moment: {
    test: (value) => readMoment(value) !== undefined,
    message: 'must be an ISO 8601 time with its offset, such as 2026-06-26T10:30:00Z, or a day of UTC',
  },
  uuid: {
    test: (value) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value),
    message: 'must be a UUID',
  },
  'date-time': { test: (value) => !Number.isNaN(Date.parse(value)), message: 'must be an ISO 8601 time' },
}

const MOMENT =
  /^([12]\d{3})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d))?$/

/**
 * The time that a text names: ISO 8601 with its offset and at most six decimals, or a day, which begins at midnight
 * UTC. What is below a millisecond is rounded up: rows have whole ones, so `>=` and `<` mean the same. Undefined when
 * there is no such time.
 */
export function readMoment(text: string): Date | undefined {
  const [, year, month, day, time, , fraction = ''] = MOMENT.exec(text) ?? []
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
  if (day === undefined || Number(day) > lastDay) return undefined
  const at = new Date(time === undefined ? `${text}T00:00:00Z` : text.replace(fraction, fraction.slice(0, 4)))
  const isBetween = /[1-9]/.test(fraction.slice(4))
  return new Date(at.getTime() + (isBetween ? 1 : 0))
}

function isWebAddress(value: string): boolean {
  if (!/^https?:\/\/[^\s\\]+$/i.test(value)) return false
  if (!URL.canParse(value)) return false
  const url = new URL(value)
  return (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.password === ''
}
