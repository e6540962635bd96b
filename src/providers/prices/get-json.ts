import { Agent, type Dispatcher, request } from 'undici'
import { ProviderError } from '../provider-error.ts'

const TIMEOUT_MS = 3_000
const MOST_BYTES = 1024 * 1024

/** Connections to price sources: few, short, and bounded in what they take in. */
export function createPriceDispatcher(): Dispatcher {
  return new Agent({
    connect: { timeout: TIMEOUT_MS },
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
    maxResponseSize: MOST_BYTES,
  })
}

/** Reads a public JSON document. A failure is a `ProviderError`; asking for a price again does no harm. */
export async function getJson(source: string, url: string, dispatcher: Dispatcher): Promise<unknown> {
  let status: number
  let text: string
  try {
    const answer = await request(url, {
      dispatcher,
      headers: { accept: 'application/json', 'user-agent': 'cryptopocket' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    status = answer.statusCode
    text = await answer.body.text()
  } catch (error) {
    throw new ProviderError(source, 'not_sent', `no price was answered: ${(error as Error).message}`, {
      cause: error,
    })
  }
  if (status !== 200) throw new ProviderError(source, 'rejected', `no price was answered: HTTP ${status}`)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ProviderError(source, 'rejected', 'the answer is not JSON', { cause: error })
  }
}
