/**
 * The remittance company's side of the integration: the CryptoPocket API over plain HTTP, nothing else. Copy it into
 * a program of yours as it is.
 */
export interface Company {
  /** Calls the API and answers `data`; throws `ApiError` for anything but success. */
  call<T = Record<string, unknown>>(
    method: 'GET' | 'POST',
    path: string,
    fields?: Record<string, unknown>,
  ): Promise<T>
  /** Exchanges the key pair for a token, used by every later call. */
  authenticate(): Promise<void>
  apiKey: string
  apiSecret: string
}

export class ApiError extends Error {
  readonly code: string
  readonly data: Record<string, unknown> | undefined
  constructor(code: string, message: string, data: Record<string, unknown> | undefined) {
    super(`${code}: ${message}`)
    this.code = code
    this.data = data
  }
}

export function createCompany(baseUrl: string, apiKey: string, apiSecret: string): Company {
  let token = ''
  const company: Company = {
    apiKey,
    apiSecret,
    async call<T>(method: 'GET' | 'POST', path: string, fields: Record<string, unknown> = {}): Promise<T> {
      const url = new URL(path, baseUrl)
      const headers: Record<string, string> = token ? { auth: token } : {}
      let body: string | undefined
      if (method === 'GET')
        for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, String(value))
      else {
        body = JSON.stringify(fields)
        headers['content-type'] = 'application/json'
      }
      const response = await fetch(url, { method, headers, body }).catch((cause) => {
        throw new Error(`${method} ${url} was not answered: does the server run?`, { cause })
      })
      const answer = (await response.json()) as {
        status: string
        error?: string
        message?: string
        data?: unknown
      }
      if (answer.status === 'error') {
        throw new ApiError(
          answer.error ?? '?',
          answer.message ?? '',
          answer.data as Record<string, unknown> | undefined,
        )
      }
      return answer.data as T
    },
    async authenticate() {
      token = ''
      const data = await company.call<{ token: string }>('POST', '/api/authenticate', {
        api_key: apiKey,
        api_secret: apiSecret,
      })
      token = data.token
    },
  }
  return company
}
