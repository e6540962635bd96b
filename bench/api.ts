import { Pool } from 'undici'

/** Calls the API as an integration does: over connections that are kept. */
export interface Api {
  call<Data>(method: 'GET' | 'POST', path: string, body?: object): Promise<Data>
  /** A page of a list, with where it goes on. */
  page(path: string): Promise<{ pagination: { next_cursor: string } }>
  close(): Promise<void>
}

export async function openApi(url: string, connections: number, token?: string): Promise<Api> {
  const pool = new Pool(url, { connections, pipelining: 1 })
  async function ask(method: 'GET' | 'POST', path: string, body: object | undefined, auth: string) {
    const headers: Record<string, string> = path.startsWith('/api') ? { auth } : { 'x-page': '1' }
    if (body) headers['content-type'] = 'application/json'
    const answer = await pool.request({ method, path, headers, body: body ? JSON.stringify(body) : null })
    const text = await answer.body.text()
    const parsed = JSON.parse(text)
    if (answer.statusCode !== 200 || (parsed.status !== 'ok' && parsed.status !== 'success'))
      throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`)
    return parsed
  }
  const call = async <Data>(method: 'GET' | 'POST', path: string, body?: object, auth = ''): Promise<Data> =>
    (await ask(method, path, body, auth)).data
  const own =
    token ??
    (
      await call<{ token: string }>('POST', '/api/authenticate', {
        api_key: 'sandbox-key',
        api_secret: 'sandbox-secret',
      })
    ).token
  return {
    call: (method, path, body) => call(method, path, body, own),
    page: (path) => ask('GET', path, undefined, own),
    close: () => pool.close(),
  }
}

/** Asks until it isn't refused any more: prices and wallets have to be read first. */
export async function untilAnswered<Data>(ask: () => Promise<Data>): Promise<Data> {
  for (let n = 0; ; n += 1) {
    try {
      return await ask()
    } catch (error) {
      if (n === 300) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
