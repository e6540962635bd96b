import type { TSchema } from 'typebox'
import { BankTransactionObject } from '../bank-accounts/bank-line-wire.ts'
import { BankAccountObject } from '../bank-accounts/list-accounts.ts'
import { SaleObject } from '../offramp/sale-wire.ts'
import { PaymentObject } from '../onramp/payment-wire.ts'
import { CustomerObject } from '../users/customer-wire.ts'
import { KycObject } from '../users/kyc-wire.ts'
import { EVENT_TYPES, type EventType, objectOfEvent } from '../webhooks/event-types.ts'
import { exampleEvent } from './docs/webhook-examples.ts'
import type { Endpoint } from './endpoint.ts'
import { operationOf } from './openapi-operation.ts'
import { defineOpenApi, type NamedSchemas, type Schema } from './openapi-schema.ts'
import { SECTIONS } from './sections.ts'

export interface OpenApiOptions {
  endpoints: readonly Endpoint[]
  /** Under which the document is served, such as `https://ramp.example.com`. */
  publicUrl: string
  version: string
}

/** Objects that several answers and the webhooks share. */
export const NAMED: NamedSchemas = new Map<TSchema, string>([
  [PaymentObject, 'Payment'],
  [SaleObject, 'Sale'],
  [CustomerObject, 'Customer'],
  [BankAccountObject, 'BankAccount'],
  [BankTransactionObject, 'BankAccountTransaction'],
  [KycObject, 'Kyc'],
])

/** The OpenAPI 3.1 document of these endpoints: generated, so that it can't tell another story than the program. */
export function openApiDocument({ endpoints, publicUrl, version }: OpenApiOptions): Schema {
  const used = SECTIONS.filter(({ section }) => endpoints.some((endpoint) => endpoint.section === section))
  return {
    openapi: '3.1.0',
    info: {
      title: 'CryptoPocket API',
      version,
      summary: 'Buy and sell crypto with euros.',
      description:
        'A business error answers HTTP 200 with `status: "error"`; with the header `Prefer: http-status` the same body comes with the true status.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: publicUrl }],
    tags: used.map(({ name, description }) => ({ name, description })),
    security: [{ auth: [] }],
    paths: pathsOf(endpoints),
    webhooks: Object.fromEntries(
      Object.entries(EVENT_TYPES).map(([type, text]) => [type, webhook(type as EventType, text)]),
    ),
    components: {
      securitySchemes: {
        auth: {
          type: 'apiKey',
          in: 'header',
          name: 'auth',
          description: 'The token that `authenticate` answered, as it is, without `Bearer`.',
        },
      },
      schemas: {
        ...Object.fromEntries([...NAMED].map(([schema, name]) => [name, defineOpenApi(schema, NAMED)])),
        Error: ERROR,
        Pagination: PAGINATION,
      },
      parameters: PARAMETERS,
      headers: HEADERS,
    },
  }
}

function pathsOf(endpoints: readonly Endpoint[]): Schema {
  const paths: Record<string, Schema> = {}
  for (const endpoint of endpoints) {
    const path = (paths[endpoint.path] ??= {})
    path[endpoint.method.toLowerCase()] = operationOf(endpoint, NAMED)
  }
  return paths
}

const ERROR: Schema = {
  type: 'object',
  required: ['status', 'error', 'message'],
  properties: {
    status: { const: 'error' },
    error: { type: 'string', description: 'The code; made for programs.' },
    message: { type: 'string', description: 'For people; says how to mend it.' },
    errors: {
      type: 'object',
      description: 'What is wrong, by field.',
      additionalProperties: { type: 'array', items: { type: 'string' } },
    },
    data: { description: 'What helps to go on, where the code says so.' },
  },
}

const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] })

const PAGINATION: Schema = {
  type: 'object',
  required: ['current_page', 'per_page', 'total', 'total_is_exact', 'last_page', 'next_cursor'],
  properties: {
    current_page: orNull({ type: 'integer' }),
    per_page: { type: 'integer' },
    total: orNull({ type: 'integer', description: 'Exact up to 10,000.' }),
    total_is_exact: { type: 'boolean' },
    last_page: orNull({ type: 'integer' }),
    next_cursor: orNull({ type: 'string', description: 'Goes on where this answer ends.' }),
  },
}

const PARAMETERS: Schema = {
  Prefer: {
    name: 'Prefer',
    in: 'header',
    description: '`http-status` (RFC 7240): errors come with their true HTTP status.',
    schema: { type: 'string', examples: ['http-status'] },
  },
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'The same key with an equal body within 24 hours gets the first answer again, byte for byte, and nothing is done twice.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  },
  Page: {
    name: 'X-Page',
    in: 'header',
    required: true,
    description: 'Only the customer’s page sends it.',
    schema: { const: '1' },
  },
}

const text = (description: string): Schema => ({ description, schema: { type: 'string' } })

const HEADERS: Schema = {
  XRequestId: text('Names the call in our log.'),
  RateLimit: text(
    'What is left: `"minute";r=<calls>;t=<seconds>`; `"address"` for a caller that is not known.',
  ),
  RateLimitPolicy: text(
    'What is granted: `"minute";q=<calls>;w=60`; `"address"` for a caller that is not known.',
  ),
  RetryAfter: text('After how many seconds to try again.'),
  IdempotentReplayed: text('`true`: the first answer under that key again.'),
  PreferenceApplied: text('`http-status`, when it was asked for.'),
}

function webhook(type: EventType, description: string): Schema {
  const header = (name: string, text: string): Schema => ({
    name,
    in: 'header',
    required: true,
    description: text,
    schema: { type: 'string' },
  })
  const example = exampleEvent(type)
  return {
    post: {
      operationId: `webhook_${type}`,
      tags: ['Webhooks'],
      summary: description,
      description: 'At least once, in order per payment. Any 2xx within 10 s is success.',
      security: [],
      parameters: [
        header('X-API-Key', 'The public key of the pair that signed.'),
        header('X-Timestamp', 'Unix seconds. Refuse more than 5 minutes of difference.'),
        header('X-Signature', 'HMAC-SHA256 of raw body and timestamp, keyed with `api_secret`, in hex.'),
        header('webhook-id', 'Standard Webhooks: the event’s id.'),
        header('webhook-timestamp', 'Standard Webhooks.'),
        header('webhook-signature', 'Standard Webhooks.'),
      ],
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: {
              type: 'object',
              required: ['id', 'type', 'sequence', 'created_at', 'data'],
              properties: {
                id: { type: 'string', description: 'The same at each attempt: work off an id once.' },
                type: { const: type },
                sequence: { type: 'integer', description: 'Grows by one from event to event.' },
                created_at: { type: 'string', format: 'date-time' },
                data: { $ref: `#/components/schemas/${objectOfEvent(type)}` },
              },
            },
            ...(example && { example }),
          },
        },
      },
      responses: {
        '2XX': { description: 'Received.' },
        default: { description: 'Tried again with growing pauses for 7 days.' },
      },
    },
  }
}
