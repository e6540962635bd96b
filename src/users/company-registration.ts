import type { Integration } from '../common/integration.ts'
import { hasUnstorableText } from '../server/body.ts'
import type { FieldErrors } from '../server/errors.ts'
import { FORMATS } from '../server/fields.ts'
import { isDisposableEmail, parseEmail } from './identity/email.ts'
import { isAllowedHost } from './registration.ts'

const LONGEST = { email: 254, company_name: 255, callback_url: 2048 } as const

type Field = keyof typeof LONGEST

/** What is wrong with a company's registration, in the sentences that the public documentation shows. */
export function judgeCompanyRegistration(
  body: Readonly<Record<string, unknown>>,
  { settings }: Pick<Integration, 'settings'>,
): FieldErrors {
  const errors: FieldErrors = {}
  for (const field of ['email', 'company_name', 'callback_url'] as const) {
    const problem = findProblem(field, body[field], settings.callbackHosts)
    if (problem !== undefined) errors[field] = [problem]
  }
  const email = typeof body.email === 'string' ? parseEmail(body.email) : undefined
  const refused = email !== undefined && isDisposableEmail(email)
  // Alone it has a code of its own.
  return refused && Object.keys(errors).length > 0
    ? { email: ['The email field must not be of a throw-away domain.'], ...errors }
    : errors
}

function findProblem(field: Field, value: unknown, hosts: readonly string[]): string | undefined {
  const name = `The ${field.replaceAll('_', ' ')} field`
  const optional = field === 'callback_url'
  // As the documented service does: blank text is no text.
  const missing = value === undefined || value === null || (typeof value === 'string' && value.trim() === '')
  if (missing && !optional) return `${name} is required.`
  if (value === undefined) return undefined
  if (typeof value !== 'string') return `${name} must be a string.`
  if ([...value.trim()].length > LONGEST[field])
    return `${name} must not be greater than ${LONGEST[field]} characters.`
  if (optional && !FORMATS['web-address']?.test(value)) return `${name} must be a valid URL.`
  if (hasUnstorableText(value) || !FORMATS.text?.test(value)) return `${name} format is invalid.`
  if (field === 'email' && parseEmail(value) === undefined) return `${name} must be a valid email address.`
  if (!optional) return undefined
  return isAllowedHost(value, hosts) ? undefined : `${name} must have one of the hosts in the settings.`
}
