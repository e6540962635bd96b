import type { Static, TSchema } from 'typebox'
import type { App } from '../app.ts'
import type { Integration } from '../common/integration.ts'
import type { Trx } from '../db/database.ts'
import type { ErrorCode, FieldErrors } from './errors.ts'
import type { FileBody, FileBodyRules } from './file-body.ts'

/** The sections of the public documentation, in its order. */
export type Section =
  | 'common'
  | 'users'
  | 'onramp'
  | 'offramp'
  | 'bank-accounts'
  | 'webhooks'
  | 'sandbox'
  | 'hosted'
  | 'providers'

/**
 * What an endpoint asks of its caller. `token`: the integration's `auth` header. `none`: nothing. `page`: a customer's
 * browser, which holds the secret in the path or a cookie; such calls always answer with the true HTTP status.
 * `provider`: a provider's signed callback, checked by the handler over the raw body, which answers
 * `authorization_incorrect` where the proof is missing or wrong; true status too.
 */
export type Audience = 'token' | 'none' | 'page' | 'provider'

export interface Envelope {
  status: string
  message: string
}

/** One form of an endpoint's answer. */
export interface AnswerForm {
  /** For people: when the answer has this form. */
  title: string
  envelope: Envelope
  data: TSchema
  /** What the example request has otherwise to be answered so. */
  request?: Record<string, unknown>
  example: object
  /** Whether the handler's answer is of this form; of no other then. */
  isOf(data: object): boolean
}

export interface Endpoint<
  Params extends TSchema = TSchema,
  Query extends TSchema = TSchema,
  Body extends TSchema = TSchema,
> {
  method: 'GET' | 'POST' | 'PUT'
  /** With `{name}` for parameters, as OpenAPI writes them. */
  path: string
  section: Section
  /** The operation's id in OpenAPI. */
  name: string
  summary: string
  description: string
  audience: Audience
  /** Exists in sandbox mode only. */
  sandboxOnly?: boolean
  params?: Params
  query?: Query
  body?: Body
  /** Content types of the body; JSON and form unless told. */
  raw?: { contentTypes: readonly string[]; limitBytes: number }
  /** The largest JSON body in bytes; 256 KiB unless told. */
  bodyLimitBytes?: number
  /**
   * The body may hold files as text. They are taken out of it and decoded while it arrives, once the caller is known
   * and there is memory for them. Only with audience `token`.
   */
  files?: FileBodyRules
  /** Codes that are answered with their true status without `Prefer: http-status`, too. */
  honest?: readonly ErrorCode[]
  /** The schema of `data` in the answer. */
  data: TSchema
  /** A list: the handler answers `{data, pagination}` (`listed`), and both stand beside `status`. */
  list?: true
  /** `{"status":"ok"}` unless told. */
  envelope?: Envelope
  /** Where the answer has more than one form, each with an envelope of its own: `data` is any of theirs. */
  forms?: readonly AnswerForm[]
  /** The codes it may answer, besides those of section 1 that every endpoint has. */
  errors: readonly ErrorCode[]
  examples: { request?: Record<string, unknown>; answer: unknown }
  /** Names of body fields that are mandatory because of what others hold; it sees what `check` sees. */
  requires?(input: { body: Partial<Static<Body>> }): readonly string[]
  /**
   * Mandatory fields that lack by what is stored, such as by the country of a customer. Asked only when some field is
   * faulty; of sound ones the handler says the same.
   */
  findMissing?(
    app: App,
    input: { body: Partial<Static<Body>>; integration: Integration },
  ): Promise<FieldErrors>
  /** Refuses, once all fields are right, what is refused before an earlier answer is looked for. */
  refuse?(body: Static<Body>): void
  /**
   * Field rules that a schema can't say; its faults are answered together with the schema's. It sees only fields that
   * the schema has nothing against, so a mandatory one may be absent.
   */
  check?(
    input: { body: Partial<Static<Body>>; query: Partial<Static<Query>>; params: Partial<Static<Params>> },
    context: { integration: Integration; now: Date },
  ): FieldErrors
  /**
   * What else is wrong: of sound fields, what the handler refuses by codes of its own. Asked only when some field is
   * faulty, so that one answer names everything.
   */
  findFurther?(
    app: App,
    input: {
      body: Partial<Static<Body>>
      query: Partial<Static<Query>>
      files: FileBody['files']
      integration: Integration
    },
  ): Promise<FieldErrors> | FieldErrors
  /**
   * Judges the body in place of the schema, in the sentences that the documentation has for this endpoint. Its faults
   * are always answered with HTTP 422 and `{"message", "errors"}` alone.
   */
  judgeBody?(body: Readonly<Record<string, unknown>>, context: { integration: Integration }): FieldErrors
  handle(app: App, request: ApiRequest<Static<Params>, Static<Query>, Static<Body>>): Promise<unknown>
}

export interface ApiRequest<Params = unknown, Query = unknown, Body = unknown> {
  params: Params
  query: Query
  body: Body
  /** The caller's integration; only with audience `token`. */
  integration: Integration
  requestId: string
  /** The caller's address, after `TRUST_PROXY`. */
  address: string
  headers: Record<string, string | string[] | undefined>
  cookies: Record<string, string | undefined>
  rawBody: Buffer
  /** The long texts of the body's file fields, by the mark that stands in the field; empty where none may be. */
  files: FileBody['files']
  /**
   * Remembers the answer under the request's `Idempotency-Key` in the transaction of the change itself, so that a
   * crash leaves both or neither. Does nothing when the request has no key.
   */
  remember(trx: Trx, data: unknown): Promise<void>
  /**
   * Records, in the transaction that makes it, what a call makes whose answer is not known yet. Should the process die,
   * the same call under the same key finds it in `recorded`. Does nothing when the request has no key.
   */
  record(trx: Trx, resourceId: string): Promise<void>
  /** What a call with this `Idempotency-Key` made that never came to its answer; else null. */
  recorded: string | null
  /** Sets a header of the answer. */
  setHeader(name: string, value: string): void
  /** Aborted when a page has gone away: ends its long poll. Never aborted for other callers. */
  signal: AbortSignal
}

/** The envelope of an answer of the endpoint; undefined for the usual one. */
export function envelopeOf({ envelope, forms }: Pick<Endpoint, 'envelope' | 'forms'>, data: unknown) {
  return forms ? forms.find(({ isOf }) => isOf(data as object))?.envelope : envelope
}

/** Gives an endpoint's handler its types; the table in `endpoints.ts` lists what this returns. */
export function endpoint<Params extends TSchema, Query extends TSchema, Body extends TSchema>(
  definition: Endpoint<Params, Query, Body>,
): Endpoint {
  return definition as unknown as Endpoint
}
