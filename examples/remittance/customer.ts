import { crc32, deflateSync } from 'node:zlib'

/**
 * What the customer does on the hosted pages, through the pages' own JSON: a browser with a cookie jar and no screen.
 */
export interface Browser {
  call<T = Record<string, unknown>>(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown): Promise<T>
}

export function openBrowser(baseUrl: string): Browser {
  const cookies = new Map<string, string>()
  return {
    async call<T>(method: string, path: string, body?: unknown): Promise<T> {
      const isPicture = body instanceof Uint8Array
      const headers: Record<string, string> = { 'x-page': '1' }
      if (cookies.size > 0)
        headers.cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      if (body !== undefined) headers['content-type'] = isPicture ? 'image/png' : 'application/json'
      const response = await fetch(new URL(path, baseUrl), {
        method,
        headers,
        body:
          body === undefined
            ? undefined
            : isPicture
              ? (body as Uint8Array<ArrayBuffer>)
              : JSON.stringify(body),
      })
      for (const line of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (name) cookies.set(name, value ?? '')
      }
      const answer = (await response.json()) as {
        status: string
        error?: string
        message?: string
        errors?: unknown
        data?: T
      }
      if (answer.status !== 'ok') {
        throw new Error(
          `${method} ${path} was refused: ${answer.error}: ${answer.message} ${answer.errors ? JSON.stringify(answer.errors) : ''}`,
        )
      }
      return answer.data as T
    },
  }
}

/** Fills in the verification form with data that pass every check, photographs, and sends it. */
export async function fillVerification(browser: Browser, formUrl: string): Promise<void> {
  const path = `/hosted${new URL(formUrl).pathname}`
  await browser.call('PUT', `${path}/data`, {
    name: 'Lucía',
    last_name: 'Fernández Ruiz',
    birth_date: '1990-04-12',
    phone: '+34612345678',
    country: 'ES',
    address: 'Calle Mayor 1',
    city: 'Madrid',
    postal_code: '28013',
    identification_country: 'ES',
    identification_type: 'GOVERNMENT_ID',
    identification_number: '12345678Z',
    identification_expires_on: '2035-01-01',
  })
  for (const kind of ['document_front', 'document_back', 'face_image']) {
    await browser.call('PUT', `${path}/photos/${kind}`, drawPicture(1000, 640))
  }
  await browser.call('POST', `${path}/submit`, { declare: true })
}

/** Goes through the payment page: reviews, gives the wallet, pays by card on the provider's page. */
export async function payByCard(
  browser: Browser,
  paymentId: string,
  wallet: string,
  cardNumber: string,
): Promise<void> {
  const page = `/hosted/payment/${paymentId}`
  const view = await browser.call<{ payment_type: string; wallet: { fixed: boolean } }>(
    'POST',
    `${page}/open`,
    {},
  )
  if (view.payment_type !== 'card') await browser.call('POST', `${page}/method`, { payment_type: 'card' })
  if (!view.wallet.fixed) await browser.call('POST', `${page}/wallet`, { wallet, confirm: true })
  const { redirect_url } = await browser.call<{ redirect_url: string }>('POST', `${page}/pay`, {})
  const card = `${new URL(redirect_url).pathname}/api`
  await browser.call('POST', `${card}/pay`, {
    number: cardNumber,
    expiry: '12/34',
    code: '123',
    name: 'LUCIA FERNANDEZ RUIZ',
  })
}

/** A picture that is one: a PNG of smooth colours with grain, as a camera makes. */
export function drawPicture(width: number, height: number): Uint8Array {
  const rows = Buffer.alloc((width * 3 + 1) * height)
  let grain = 12345
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      grain = (grain * 1_103_515_245 + 12_345) & 0x7fffffff
      const at = y * (width * 3 + 1) + 1 + x * 3
      const edge = x % 50 < 3 || y % 40 < 3 ? 60 : 180
      rows[at] = edge + (grain & 31)
      rows[at + 1] = (edge + (x * 40) / width + ((grain >> 5) & 31)) & 255
      rows[at + 2] = (edge + (y * 40) / height + ((grain >> 10) & 31)) & 255
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const framed = Buffer.alloc(data.length + 12)
  framed.writeUInt32BE(data.length, 0)
  named.copy(framed, 4)
  framed.writeUInt32BE(crc32(named), data.length + 8)
  return framed
}
