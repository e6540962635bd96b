import type { OnboardingDataRequest, OnboardingView } from '../../src/hosted/onboarding-wire.ts'
import type { TestApp } from './app.ts'
import { makePdf } from './documents.ts'
import type { PageAnswer } from './kyc.ts'

/** A customer's browser on the onboarding page of this link. */
export interface OnboardingPage {
  call(method: string, path?: string, body?: unknown, headers?: Record<string, string>): Promise<PageAnswer>
  view(): Promise<OnboardingView>
  document(type?: string, file?: Uint8Array, name?: string): Promise<PageAnswer>
  submit(signature?: string): Promise<PageAnswer>
  /** Declares everything, gives a document, signs and sends. */
  fill(over?: OnboardingDataRequest): Promise<OnboardingView>
}

/** What a customer declares; every field passes the checks. */
export const DECLARED = {
  employment_status: 'employed',
  occupation: 'Contable',
  employer: 'Panadería Sol, S.L.',
  sector: 'retail',
  income_currency: 'EUR',
  income_range: '24000-48000',
  source_of_funds: 'salary',
  purpose: 'family',
  monthly_volume: '1000-3000',
  pep: 'no',
  tax_residence: 'ES',
} as const satisfies OnboardingDataRequest

export function openOnboardingPage({ url }: Pick<TestApp, 'url'>, link: string): OnboardingPage {
  const base = `${url}/hosted${new URL(link).pathname}`
  const page: OnboardingPage = {
    async call(method, path = '', body, headers = {}) {
      const isFile = body instanceof Uint8Array
      const response = await fetch(base + path, {
        method,
        headers: {
          'x-page': '1',
          ...(body !== undefined && { 'content-type': isFile ? 'application/pdf' : 'application/json' }),
          ...headers,
        },
        body: body === undefined ? undefined : isFile ? new Uint8Array(body) : JSON.stringify(body),
      })
      return { status: response.status, body: await response.json() }
    },
    view: async () => ok(await page.call('GET')),
    document: (type = 'payslip', file = makePdf(), name = 'nómina.pdf') =>
      page.call('POST', `/documents/${type}`, file, { 'x-file-name': encodeURIComponent(name) }),
    submit: (signature = 'Ana García') => page.call('POST', '/submit', { signature, declare: true }),
    async fill(over = {}) {
      ok(await page.call('PUT', '/data', { ...DECLARED, ...over }))
      ok(await page.document())
      return ok(await page.submit())
    },
  }
  return page
}

function ok({ status, body }: PageAnswer): OnboardingView {
  if (status !== 200) throw new Error(`The page was refused: ${JSON.stringify(body)}`)
  return body.data
}
