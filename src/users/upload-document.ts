import { Type } from 'typebox'
import type { App } from '../app.ts'
import type { Integration } from '../common/integration.ts'
import { type ApiRequest, endpoint } from '../server/endpoint.ts'
import { Failure, type FieldErrors, fail } from '../server/errors.ts'
import { CustomerId } from '../server/fields.ts'
import { type Customer, findCustomer } from './customer-store.ts'
import { insertDocument, sealFile } from './document-store.ts'
import { isFileUrl, MAX_FILE_BYTES, withIncomingFile } from './incoming-file.ts'
import { judgeDocument } from './judge-document.ts'

export const DOCUMENT_TYPES = [
  'onboarding_form',
  'bank_statement',
  'payslip',
  'employment_contract',
  'tax_return',
  'tax_certificate',
  'company_accounts',
  'dividend_statement',
  'investment_statement',
  'crypto_wallet_statement',
  'sale_of_property',
  'sale_of_vehicle',
  'sale_of_company_shares',
  'inheritance_document',
  'gift_declaration',
  'loan_agreement',
  'savings_evidence',
  'invoice',
  'freelance_income_evidence',
  'pension_statement',
  'unemployment_benefit_statement',
  'source_of_funds_declaration',
  'other',
] as const

/** 10 MiB are 13.4 MiB of base64; the rest is for line breaks. A file that is too large is not held, and not counted. */
const BODY_LIMIT_BYTES = 16 * 1024 * 1024

export const uploadDocument = endpoint({
  method: 'POST',
  path: '/api/customers/{user_id}/documents',
  section: 'users',
  name: 'uploadDocument',
  summary: 'Send a document of a customer',
  description:
    'Keeps a document that proves something about the customer, such as where money comes from. `file` is a data-URI, plain base64, or the public http(s) address of the file, which is fetched at once (at most 20 seconds and 5 redirects, public addresses only). It is judged by its content, whatever is declared: PDF, JPEG, PNG or WebP, at most 10 MiB. It is kept encrypted and given to nobody but the operator. `user_not_in_integration`, `user_not_found`, `invalid_file` and `invalid_type` answer with their true HTTP status even without `Prefer: http-status`. When too many large files arrive at once, calls wait, at most 20 seconds, and are then told `too_many_requests`.',
  audience: 'token',
  params: Type.Object({ user_id: CustomerId() }),
  body: Type.Object({
    // Any text here: what is wrong with it has codes of its own.
    type: Type.String({
      description: `One of ${DOCUMENT_TYPES.map((type) => `\`${type}\``).join(', ')}.`,
    }),
    file: Type.String({ description: 'A data-URI, plain base64, or an http(s) address.' }),
  }),
  files: { fields: ['file'], fileLimitBytes: MAX_FILE_BYTES, bodyLimitBytes: BODY_LIMIT_BYTES },
  data: Type.Undefined(),
  errors: ['user_not_in_integration', 'user_not_found', 'invalid_file', 'invalid_type'],
  honest: ['user_not_in_integration', 'user_not_found', 'invalid_file', 'invalid_type'],
  examples: {
    request: {
      type: 'bank_statement',
      file: 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    },
    answer: undefined,
  },
  async findFurther(app, { body: { type, file: text }, files, integration }) {
    const typeFault = type === undefined ? undefined : findTypeFault(type)
    const errors: FieldErrors = typeFault === undefined ? {} : { type: [typeFault] }
    // Nothing is fetched for a call that is refused anyway.
    if (text === undefined || isFileUrl(text)) return errors
    return withIncomingFile(app, { text, files, integration }, async (incoming) => {
      const judged = incoming.ok ? await judgeDocument(incoming.bytes) : incoming
      return judged.ok ? errors : { ...errors, file: [judged.problem] }
    })
  },
  async handle(app, { params, body, files, integration, remember }) {
    const customer = await getCustomer(app, integration, params.user_id)
    const typeFault = findTypeFault(body.type)
    // Nothing is fetched for a call that is refused anyway.
    if (typeFault && isFileUrl(body.file)) refuse({ type: typeFault })
    await withIncomingFile(app, { text: body.file, files, integration }, async (incoming) => {
      const judged = incoming.ok ? await judgeDocument(incoming.bytes) : incoming
      if (typeFault) refuse({ type: typeFault, ...(!judged.ok && { file: judged.problem }) })
      if (!incoming.ok || !judged.ok) return refuse({ file: (judged as { problem: string }).problem })
      const { mime, width, height } = judged
      const file = { bytes: incoming.bytes, mime, width, height }
      await keepDocument(app, customer, { type: body.type, file, remember })
    })
  },
})

/** Seals the file, and then writes that it is there; nothing is left of one that could not be written down. */
async function keepDocument(
  app: App,
  { integrationId, id: customerId, keyWrapped }: Customer & { keyWrapped: Buffer },
  {
    type,
    file,
    remember,
  }: { type: string; file: Parameters<typeof sealFile>[2]; remember: ApiRequest['remember'] },
): Promise<void> {
  const sealed = await sealFile(app, { integrationId, owner: customerId, keyWrapped }, file)
  try {
    await app.db.transaction().execute(async (trx) => {
      await insertDocument(trx, app.clock.now(), { integrationId, customerId }, { type, file: sealed })
      await remember(trx, undefined)
    })
  } catch (error) {
    // Only what was refused is surely not pointed to: a connection that broke may have broken after the commit.
    if (error instanceof Failure) await app.providers.storage.remove(sealed.storageKey)
    throw error
  }
}

/** The integration's customer. Documents alone tell whether one of that id is another integration's. */
async function getCustomer(
  { db }: Pick<App, 'db'>,
  { id: integrationId }: Integration,
  userId: string,
): Promise<Customer & { keyWrapped: Buffer }> {
  const customer = await findCustomer(db, integrationId, userId)
  const keyWrapped = customer?.keyWrapped
  if (customer && keyWrapped) return { ...customer, keyWrapped }
  if (!customer && (await belongsToAnother(db, userId))) {
    fail('user_not_in_integration', 'This customer belongs to another integration.')
  }
  return fail('user_not_found', 'There is no such customer.')
}

/** Whether another integration has a customer of that id; those that a reset of the sandbox left behind are nobody's. */
async function belongsToAnother(db: App['db'], userId: string): Promise<boolean> {
  const found = await db
    .selectFrom('customers')
    .innerJoin('integrations', 'integrations.id', 'customers.integrationId')
    .select('customers.id')
    .where('customers.id', '=', Number(userId))
    .where('integrations.detachedAt', 'is', null)
    .executeTakeFirst()
  return found !== undefined
}

function findTypeFault(type: string): string | undefined {
  return DOCUMENT_TYPES.some((known) => known === type)
    ? undefined
    : `must be one of: ${DOCUMENT_TYPES.join(', ')}`
}

function refuse(faults: { type?: string; file?: string }): never {
  const errors = Object.fromEntries(Object.entries(faults).map(([field, text]) => [field, [text]]))
  const texts = Object.entries(faults).map(([field, text]) => `${field} ${text}`)
  fail(faults.type ? 'invalid_type' : 'invalid_file', `${texts.join('; ')}.`, { errors })
}
