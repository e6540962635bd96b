import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { App } from '../app.ts'
import { countStranger } from './count-calls.ts'
import { Failure } from './errors.ts'
import { renderFailure } from './render.ts'

/** Who still sends hears the answer; a connection that is cut off while bytes arrive may lose it. */
const LINGER_MS = 1_000

/**
 * Answers, in the API's form, what comes to no request: no readable HTTP, headers or an address longer than Node takes,
 * a head that never ended. The connection ends with it.
 */
export function answerUnreadable(
  app: Pick<App, 'config' | 'rateLimiter' | 'metrics'>,
  error: Error & { code?: string },
  socket: Socket,
): void {
  // Gone, or answered already and still sending.
  if (error.code === 'ECONNRESET' || !socket.writable) return
  const headers: string[] = []
  const refusal =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new Failure('headers_too_large', 'The address and the headers have more than 16 KiB together.')
      : new Failure('invalid_json', 'The request could not be read.')
  const failure =
    countStranger(app, socket.remoteAddress ?? '', (name, value) => headers.push(`${name}: ${value}`)) ??
    refusal
  app.metrics.httpErrors.inc({ code: failure.code })
  if (failure.detail.retryAfterSeconds) headers.push(`Retry-After: ${failure.detail.retryAfterSeconds}`)
  const { status, body } = renderFailure(failure, true)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'Connection: close',
    `X-Request-Id: ${randomUUID()}`,
    ...headers,
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  const linger = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(linger))
}
