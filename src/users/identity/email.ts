import { createRequire } from 'node:module'
import { domainToASCII } from 'node:url'

/**
 * An e-mail address as it is kept: the domain in lower-case ASCII, the local part as written. `undefined` when the
 * text is no address that the public mail system delivers to: no quotes, no comments, no addresses of one host.
 */
export function parseEmail(text: string): string | undefined {
  const trimmed = text.trim()
  const at = trimmed.lastIndexOf('@')
  const local = trimmed.slice(0, at)
  if (at < 1 || local.length > 64 || !LOCAL.test(local)) return undefined
  const written = trimmed.slice(at + 1)
  if (/[\s@/:?#[\]\\%]/.test(written)) return undefined
  const domain = domainToASCII(written).toLowerCase()
  if (domain.length > 253 || !DOMAIN.test(domain)) return undefined
  const email = `${local}@${domain}`
  return email.length <= 254 ? email : undefined
}

const LOCAL = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/
const DOMAIN = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$/

/** What two addresses must share to be the same customer: nobody runs two mailboxes that differ only in case. */
export const emailKey = (email: string): string => email.toLowerCase()

const require = createRequire(import.meta.url)
let lists: { exact: ReadonlySet<string>; wildcard: ReadonlySet<string> } | undefined

/**
 * Whether the address's domain hands out throw-away mailboxes, by the package `disposable-email-domains`. Domains of
 * its wildcard list stand for their subdomains too. The 120,000 names are read on first use.
 */
export function isDisposableEmail(email: string): boolean {
  lists ??= {
    exact: new Set<string>(require('disposable-email-domains/index.json')),
    wildcard: new Set<string>(require('disposable-email-domains/wildcard.json')),
  }
  const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase()
  if (lists.exact.has(domain)) return true
  const labels = domain.split('.')
  for (let from = 0; from < labels.length - 1; from += 1) {
    if (lists.wildcard.has(labels.slice(from).join('.'))) return true
  }
  return false
}
