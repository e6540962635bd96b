import { randomUUID } from 'node:crypto'
import type { CompanyRequest, KybView, PersonRequest } from '../../src/hosted/kyb-wire.ts'
import type { TestApp } from './app.ts'
import { makePdf } from './documents.ts'
import { drawDocument, type PageAnswer } from './kyc.ts'

/** What a company types; every field passes the checks. */
export const COMPANY = {
  company_name: 'Remesas Sol S.L.',
  country: 'ES',
  identification_type: 'CIF',
  identification_number: 'a-58818501',
  legal_form: 'Sociedad Limitada',
  incorporation_date: '2015-03-02',
  activity: 'Money transfers to Latin America',
  website: 'example.com',
  address: 'Calle Mayor 1',
  postal_code: '28013',
  city: 'Madrid',
} as const satisfies CompanyRequest

export const PERSON = {
  name: 'Ana',
  last_name: 'García López',
  birth_date: '1990-05-17',
  country: 'ES',
  identification_type: 'GOVERNMENT_ID',
  identification_number: '12345678z',
  is_representative: true,
  is_owner: true,
  ownership_percent: '60,5',
  is_politically_exposed: false,
} as const satisfies PersonRequest

export const PAPERS = ['company_deed', 'company_tax_document', 'company_proof_of_address'] as const

export const PDF = makePdf()

/** A browser on the company's page, with its cookie. */
export interface KybPage {
  link: string
  cookie: string | undefined
  /** The headers of the last answer. */
  headers: Headers
  call(method: string, path?: string, body?: unknown, type?: string): Promise<PageAnswer>
  view(): Promise<KybView>
  open(password: string): Promise<PageAnswer>
  paper(kind: string, file?: Buffer): Promise<PageAnswer>
  photo(person: string, kind: string, file?: Buffer): Promise<PageAnswer>
  /** Fills everything in: the company, three papers, one person with two photos. */
  fill(over?: { company?: CompanyRequest; person?: PersonRequest }): Promise<void>
  submit(): Promise<PageAnswer>
}

/** The page in a browser; at `address`, where the program trusts the proxy that says so. */
export function openKybPage(test: Pick<TestApp, 'url'>, link: string, address?: string): KybPage {
  const base = `${test.url}/hosted${new URL(link).pathname}`
  const page: KybPage = {
    link,
    cookie: undefined,
    headers: new Headers(),
    async call(method, path = '', body, type) {
      const isFile = body instanceof Uint8Array
      const response = await fetch(base + path, {
        method,
        headers: {
          'x-page': '1',
          ...(address !== undefined && { 'x-forwarded-for': address }),
          ...(page.cookie !== undefined && { cookie: page.cookie }),
          ...(body !== undefined && { 'content-type': type ?? (isFile ? 'image/jpeg' : 'application/json') }),
        },
        body: body === undefined ? undefined : isFile ? new Uint8Array(body) : JSON.stringify(body),
      })
      page.headers = response.headers
      const set = response.headers.get('set-cookie')
      if (set) page.cookie = set.split(';', 1)[0]
      return { status: response.status, body: await response.json() }
    },
    view: async () => ok(await page.call('GET')),
    open: (password) => page.call('POST', '/open', { password }),
    paper: (kind, file = PDF) => page.call('PUT', `/documents/${kind}`, file, 'application/pdf'),
    photo: async (person, kind, file) =>
      page.call('PUT', `/people/${person}/photos/${kind}`, file ?? (await drawDocument())),
    async fill({ company = {}, person = {} } = {}) {
      ok(await page.call('PUT', '/company', { ...COMPANY, ...company }))
      for (const kind of PAPERS) ok(await page.paper(kind))
      const { body } = await page.call('POST', '/people', { ...PERSON, ...person })
      if (body.status !== 'ok') throw new Error(`The person was refused: ${JSON.stringify(body)}`)
      for (const kind of ['document_front', 'document_back']) ok(await page.photo(body.data.person, kind))
    },
    submit: () => page.call('POST', '/submit', { name: 'Ana García', role: 'Director', declare: true }),
  }
  return page
}

function ok({ status, body }: PageAnswer): KybView {
  if (status !== 200) throw new Error(`The page was refused: ${JSON.stringify(body)}`)
  return body.data
}

export interface RegisteredCompany {
  id: number
  uuid: string
  email: string
  password: string
  page: KybPage
  check(): Promise<{
    kyc_status: string
    kyc_level: string
    reasons: { field: string | null; code: string }[]
  }>
}

/** Registers a company whose e-mail address nobody else has; `open`: its browser has given the password. */
export async function registerCompany(
  test: Pick<TestApp, 'api' | 'url'>,
  { tag, open = true, ...over }: { tag?: string; open?: boolean } & Record<string, unknown> = {},
): Promise<RegisteredCompany> {
  const email = `sol-${randomUUID()}${tag ? `+${tag}` : ''}@example.com`
  const { body } = await test.api('POST', '/api/register/company', {
    body: { email, company_name: 'Remesas Sol S.L.', ...over },
  })
  if (body.status !== 'ok') throw new Error(`register/company was refused: ${JSON.stringify(body)}`)
  const { id, uuid, kyb_link, password } = body.data
  const page = openKybPage(test, kyb_link)
  if (open) ok(await page.open(password))
  return {
    id,
    uuid,
    email,
    password,
    page,
    check: async () => (await test.api('GET', `/api/kyc/check?user_id=${id}`)).body.data,
  }
}
