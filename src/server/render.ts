import { ERRORS, type ErrorCode, type Failure, TRANSPORT_ERRORS } from './errors.ts'
import type { List } from './pagination.ts'

export interface Answer {
  status: number
  body: string
}

/** The success envelope: `{"status":"ok","data":…}` unless the endpoint's documentation says otherwise. */
export function renderSuccess(data: unknown, envelope?: { status: string; message: string }): string {
  return JSON.stringify(
    envelope ? { ...envelope, data } : data === undefined ? { status: 'ok' } : { status: 'ok', data },
  )
}

export function renderList({ data, pagination }: List): string {
  return JSON.stringify({ status: 'ok', data, pagination })
}

/** The error envelope. Business errors answer 200 unless the caller asked for the true status. */
export function renderFailure(failure: Failure, honest: boolean): Answer {
  const { code, message, detail } = failure
  if (detail.inSentences) {
    return { status: ERRORS[code], body: JSON.stringify({ message, errors: detail.errors }) }
  }
  return {
    status: honest || TRANSPORT_ERRORS.has(code) ? ERRORS[code] : 200,
    body: JSON.stringify({ status: 'error', error: code, message, errors: detail.errors, data: detail.data }),
  }
}

export const UNEXPECTED: { code: ErrorCode; message: string } = {
  code: 'unexpected_error',
  message:
    'Something went wrong on our side. Nothing was lost; try again, and tell us the X-Request-Id if it stays.',
}
