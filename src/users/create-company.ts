import { Type } from 'typebox'
import type { App } from '../app.ts'
import type { Integration } from '../common/integration.ts'
import type { Trx } from '../db/database.ts'
import { newUuid } from '../kernel/ids.ts'
import { hasEmailTag } from '../sandbox/email-tags.ts'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { WebAddress } from '../server/fields.ts'
import { judgeCompanyRegistration } from './company-registration.ts'
import { insertCompanyForm } from './company-verification.ts'
import { findCustomerByEmail, insertCustomer } from './customer-store.ts'
import { emailKey, isDisposableEmail, parseEmail } from './identity/email.ts'
import { kycForm } from './kyc-form-url.ts'
import { NOTHING_KNOWN, sealData } from './personal-data.ts'

const CompanyBody = Type.Object({
  email: Type.String({ maxLength: 254, description: 'One customer per address and integration.' }),
  company_name: Type.String({ maxLength: 255, description: 'As it is registered.' }),
  callback_url: Type.Optional(WebAddress('Where the browser goes after the verification.')),
})

interface Registered {
  id: number
  uuid: string
  kyb_link: string
  password: string
}

interface Company {
  email: string
  name: string
  callbackUrl: string | null
}

export const createCompany = endpoint({
  method: 'POST',
  path: '/api/register/company',
  section: 'users',
  name: 'registerCompany',
  summary: 'Register a company',
  description:
    'Registers a company and answers the address of its verification form and the password that opens it. The password is shown here and never again: give it to the company by another way than the link. The link works for 90 days. Wrong fields are always answered with HTTP 422 and `{"message": …, "errors": …}`. One customer per integration and e-mail address: a second registration answers `user_already_exists` with the `id` of the first and, while its verification is open, the address of its form. A password that was lost is replaced by `kyc/retry` with `new_password`.',
  audience: 'token',
  body: CompanyBody,
  data: Type.Object({
    id: Type.Integer(),
    uuid: Type.String({ description: 'The customer’s.' }),
    kyb_link: Type.String({ description: 'Send the company there. The link works for 90 days.' }),
    password: Type.String({ description: 'Twelve characters, shown once.' }),
  }),
  errors: ['email_not_allowed', 'user_already_exists'],
  examples: {
    request: { email: 'finance@example.com', company_name: 'Remesas Sol S.L.' },
    answer: {
      id: 100002,
      uuid: '5d1cf3a2-8a3c-4d0e-9a55-3b0f6f3f0e10',
      kyb_link: 'https://ramp.example.com/kyb/7c0f7c55-1f0b-4a38-8a4b-8f6f9ad2b7c1',
      password: 'xK9mP2nQ4rTv',
    },
  },
  judgeBody: (body, { integration }) => judgeCompanyRegistration(body, integration),
  async handle(app, { body, integration, remember }) {
    const company = readCompany(body)
    const emailIndex = app.secrets.index('customer-email', emailKey(company.email))
    const registered = await app.db.transaction().execute(async (trx) => {
      const created = await register(app, trx, integration, company, emailIndex)
      if (created) await remember(trx, created)
      return created
    })
    return registered ?? refuse(app, integration, emailIndex)
  },
})

function readCompany(body: { email: string; company_name: string; callback_url?: string }): Company {
  const email = parseEmail(body.email)
  if (email === undefined) throw new Error('A company without an e-mail address passed the checks.')
  if (isDisposableEmail(email)) {
    fail('email_not_allowed', 'Throw-away e-mail addresses are not accepted.', {
      errors: { email: ['must not be of a throw-away domain'] },
    })
  }
  const name = body.company_name.normalize('NFC').trim()
  return { email, name, callbackUrl: body.callback_url ?? null }
}

/** Undefined, and nothing changed, when the e-mail address is taken. */
async function register(
  app: App,
  trx: Trx,
  integration: Integration,
  { email, name, callbackUrl }: Company,
  emailIndex: Buffer,
): Promise<Registered | undefined> {
  const now = app.clock.now()
  const uuid = newUuid()
  const keyWrapped = app.secrets.newCustomerKey()
  const data = { ...NOTHING_KNOWN, email, company_name: name, bank_account: null, bank_name: null }
  const banned = app.config.mode === 'sandbox' && hasEmailTag(email, 'banned')
  const id = await insertCustomer(trx, now, {
    integrationId: integration.id,
    uuid,
    type: 'company',
    keyWrapped,
    personalSealed: sealData(app.secrets, keyWrapped, data),
    emailIndex,
    externalId: null,
    country: null,
    language: null,
    callbackUrl,
    bannedAt: banned ? now : null,
    bannedReason: banned ? 'The e-mail tag +banned@ of the sandbox.' : null,
  })
  if (id === undefined) return undefined
  const customer = { integrationId: integration.id, id, callbackUrl, keyWrapped }
  const { url, password } = await insertCompanyForm(app, trx, customer, data)
  return { id, uuid, kyb_link: url, password }
}

async function refuse(app: App, { id: integrationId }: Integration, emailIndex: Buffer): Promise<never> {
  const existing = await findCustomerByEmail(app.db, integrationId, emailIndex)
  if (!existing) throw new Error('The e-mail address is taken, and nobody has it.')
  const { id, uuid, type, kycStatus } = existing
  const isOpen = kycStatus === 'unused' || kycStatus === 'processing'
  const form = isOpen ? await kycForm(app, integrationId, id) : undefined
  fail('user_already_exists', 'A customer with this e-mail address is registered already.', {
    data: { id, uuid, ...(form && (type === 'company' ? asKyb(form) : form)) },
  })
}

const asKyb = ({ kyc_form_url, ...password }: Awaited<ReturnType<typeof kycForm>>) => ({
  kyb_link: kyc_form_url,
  ...password,
})
