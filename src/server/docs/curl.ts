import type { Endpoint } from '../endpoint.ts'
import { json } from './html.ts'

/** Fields whose value is the reader's own: the call takes it from a shell variable of this name. */
const VARIABLES: Readonly<Record<string, string>> = {
  user_id: 'USER_ID',
  payment_id: 'PAYMENT_ID',
  event_id: 'EVENT_ID',
  rampoff_id: 'RAMPOFF_ID',
  transaction_id: 'TRANSACTION_ID',
  after: 'AFTER',
  document_front: 'DOCUMENT_FRONT',
  document_back: 'DOCUMENT_BACK',
  face_image: 'FACE_IMAGE',
}

/** A call that works when it is pasted into a shell that has `TOKEN` and the ids it names. */
export function curlOf(
  endpoint: Endpoint,
  baseUrl: string,
  request: Record<string, unknown> | undefined = endpoint.examples.request,
): string {
  const { method, raw, audience } = endpoint
  const isGet = method === 'GET'
  const lines = [`curl "${baseUrl}${pathOf(endpoint)}${isGet && request ? queryOf(endpoint, request) : ''}"`]
  if (method === 'PUT' || (!isGet && !request && !raw)) lines[0] += ` -X ${method}`
  if (audience === 'token') lines.push('-H "auth: $TOKEN"')
  if (audience === 'page') lines.push("-H 'x-page: 1'")
  if (raw) lines.push(`-H 'content-type: ${raw.contentTypes[0]}'`, '--data-binary @file')
  else if (!isGet && request) lines.push("-H 'content-type: application/json'", `-d '${bodyOf(request)}'`)
  return lines.join(' \\\n  ')
}

function pathOf({ path }: Endpoint): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const ofEvent = name === 'id' && path.includes('/events/')
    return `$${ofEvent ? 'EVENT_ID' : name.toUpperCase()}`
  })
}

function queryOf({ name: endpoint }: Endpoint, request: Record<string, unknown>): string {
  const pairs = Object.entries(request).map(([name, value]) => {
    const variable = name === 'id' && endpoint === 'getRampoff' ? VARIABLES.rampoff_id : VARIABLES[name]
    return `${name}=${variable ? `$${variable}` : encodeURIComponent(String(value))}`
  })
  return `?${pairs.join('&')}`
}

/** JSON between single quotes, which end for a moment where a variable stands. */
function bodyOf(request: Record<string, unknown>): string {
  const marked = Object.fromEntries(
    Object.entries(request).map(([name, value]) => {
      const variable = VARIABLES[name]
      if (!variable) return [name, value]
      return [name, typeof value === 'number' ? `<number ${variable}>` : `<text ${variable}>`]
    }),
  )
  return json(marked)
    .replaceAll("'", "'\\''")
    .replaceAll(/"<number (\w+)>"/g, "'$$$1'")
    .replaceAll(/"<text (\w+)>"/g, '"\'$$$1\'"')
}
