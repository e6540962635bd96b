import { randomUUID } from 'node:crypto'
import sharp from 'sharp'
import type { KycDataRequest, KycView } from '../../src/hosted/wire.ts'
import type { TestApp } from './app.ts'

export interface PageAnswer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests read what the page was answered and compare it.
  body: any
}

/** A customer's browser on the verification page of this link. */
export interface KycPage {
  call(method: string, path?: string, body?: unknown, headers?: Record<string, string>): Promise<PageAnswer>
  view(): Promise<KycView>
  /** Types everything, gives three good photos, and sends the form. */
  fill(over?: KycDataRequest): Promise<KycView>
  photo(kind: string, picture?: Buffer): Promise<PageAnswer>
}

/** What a customer types; every field passes the checks. */
export const TYPED = {
  name: 'Ana',
  last_name: 'García López',
  birth_date: '1990-05-17',
  phone: '+34 600 123 456',
  country: 'ES',
  address: 'Calle Mayor 1',
  city: 'Madrid',
  postal_code: '28013',
  identification_country: 'ES',
  identification_type: 'GOVERNMENT_ID',
  identification_number: '12345678z',
  identification_expires_on: '2060-01-31',
} as const satisfies KycDataRequest

let usual: Promise<Buffer> | undefined

/** A picture with edges, as a document has. */
export function drawDocument(width = 900, height = 600): Promise<Buffer> {
  const bars = Array.from(
    { length: 60 },
    (_, at) => `<rect x="${(at * 41) % width}" y="${(at * 67) % height}" width="25" height="9" fill="#223"/>`,
  ).join('')
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#dde"/>${bars}</svg>`
  return sharp(Buffer.from(svg)).jpeg().toBuffer()
}

export function openKycPage(test: Pick<TestApp, 'url'>, formUrl: string): KycPage {
  const base = `${test.url}/hosted${new URL(formUrl).pathname}`
  const page: KycPage = {
    async call(method, path = '', body, headers = {}) {
      const isPicture = body instanceof Uint8Array
      const response = await fetch(base + path, {
        method,
        headers: {
          'x-page': '1',
          ...(body !== undefined && { 'content-type': isPicture ? 'image/jpeg' : 'application/json' }),
          ...headers,
        },
        body: body === undefined ? undefined : isPicture ? new Uint8Array(body) : JSON.stringify(body),
      })
      return { status: response.status, body: await response.json() }
    },
    view: async () => ok(await page.call('GET')),
    async fill(over = {}) {
      ok(await page.call('PUT', '/data', { ...TYPED, ...over }))
      for (const kind of ['document_front', 'document_back', 'face_image']) ok(await page.photo(kind))
      return ok(await page.call('POST', '/submit', { declare: true }))
    },
    photo: async (kind, picture) =>
      page.call('PUT', `/photos/${kind}`, picture ?? (await (usual ??= drawDocument()))),
  }
  return page
}

function ok({ status, body }: PageAnswer): KycView {
  if (status !== 200) throw new Error(`The page was refused: ${JSON.stringify(body)}`)
  return body.data
}

export interface RegisteredCustomer {
  id: number
  uuid: string
  email: string
  page: KycPage
  formUrl: string
  /** The answer's `data` of `kyc/check`. */
  check(): Promise<{
    kyc_status: string
    kyc_level: string
    reasons: { field: string | null; code: string }[]
  }>
}

/** Registers a customer whose e-mail address nobody else has; `tag` goes behind a `+`. */
export async function registerCustomer(
  test: Pick<TestApp, 'api' | 'url'>,
  { tag, ...over }: { tag?: string } & Record<string, unknown> = {},
): Promise<RegisteredCustomer> {
  const email = `ana-${randomUUID()}${tag ? `+${tag}` : ''}@example.com`
  const { body } = await test.api('POST', '/api/registerUser', { body: { name: 'Ana', email, ...over } })
  if (body.status !== 'ok') throw new Error(`registerUser was refused: ${JSON.stringify(body)}`)
  const { id, uuid, kyc_form_url } = body.data
  return {
    id,
    uuid,
    email,
    formUrl: kyc_form_url,
    page: openKycPage(test, kyc_form_url),
    check: async () => (await test.api('GET', `/api/kyc/check?user_id=${id}`)).body.data,
  }
}
