import { Type } from 'typebox'
import type { App } from '../app.ts'
import type { Integration } from '../common/integration.ts'
import type { Trx } from '../db/database.ts'
import { newSecret, newUuid, randomText } from '../kernel/ids.ts'
import { sha256 } from '../kernel/secrets.ts'
import { hasEmailTag } from '../sandbox/email-tags.ts'
import { type ApiRequest, endpoint } from '../server/endpoint.ts'
import { errorsOf, Failure, type FieldErrors, fail, refuseFirst } from '../server/errors.ts'
import { OneOf } from '../server/fields.ts'
import { refuseTaken } from './create-customer.ts'
import { findCustomerByEmail, insertCustomer, lockCustomer } from './customer-store.ts'
import { changeStatus } from './decision.ts'
import {
  type Delegated,
  DelegatedBody,
  filesOf,
  findDelegatedFaults,
  findDelegatedRefusals,
  findRequired,
  PERSON_FILES,
  type PersonFile,
  readDelegated,
} from './delegated-registration.ts'
import { insertDocument, type SealedFile, sealFile } from './document-store.ts'
import { emailKey } from './identity/email.ts'
import { judgePicture } from './image.ts'
import {
  findAddressFault,
  type IncomingFile,
  isFileUrl,
  MAX_FILE_BYTES,
  withIncomingFile,
} from './incoming-file.ts'
import { isVideo } from './judge-video.ts'
import { KYC_LANE } from './kyc-lane.ts'
import { sealData } from './personal-data.ts'
import { LINK_PURPOSE } from './verification.ts'
import { insertVerification, updateVerification } from './verification-store.ts'

/** Four files of usual size; larger ones can be given by their address. A file over 10 MiB is told as such, not counted. */
const BODY_LIMIT_BYTES = 32 * 1024 * 1024

export const createDelegatedCustomer = endpoint({
  method: 'POST',
  path: '/api/registerUser/kyc-delegated',
  section: 'users',
  name: 'registerUserKycDelegated',
  summary: 'Register a customer whose identity you have collected',
  description:
    'For integrations with the delegated right; others are answered `method_not_allowed`. Registers a person, or with `type: "company"` a company and who represents it, together with the documents that you have collected, and begins the verification at once: the customer sees no form. Pictures are JPEG, PNG or WebP, the video MP4 or WebM, each by its content and at most 10 MiB; the whole body has at most 32 MiB, so give larger sets by their addresses. It ends with `KYC_VALID` or `KYC_FAIL`; a customer who failed gets a form by `kyc/retry`. Nothing is kept of a call that is refused.',
  audience: 'token',
  body: DelegatedBody,
  files: {
    fields: PERSON_FILES,
    fileLimitBytes: MAX_FILE_BYTES,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    judgeRight({ settings }) {
      if (settings.rights.delegatedKyc) return
      fail('method_not_allowed', 'This integration has no right to verify customers by delegation.')
    },
  },
  data: Type.Object({
    id: Type.Integer(),
    uuid: Type.String(),
    kyc_status: OneOf(['processing', 'valid']),
  }),
  errors: [
    'method_not_allowed',
    'fail_mandatory_field',
    'invalid_field',
    'email_not_allowed',
    'country_not_supported',
    'invalid_identification',
    'user_already_exists',
    'external_id_already_used',
    'invalid_file',
  ],
  examples: {
    request: {
      name: 'Eva',
      last_name: 'García López',
      email: 'eva@example.com',
      birth_date: '1990-05-17',
      country: 'ES',
      address: 'Calle Mayor 1',
      city: 'Madrid',
      postal_code: '28013',
      identification_type: 'GOVERNMENT_ID',
      identification_number: '12345678Z',
      document_front: 'https://files.example.com/front.jpg',
      document_back: 'https://files.example.com/back.jpg',
      face_image: 'https://files.example.com/face.jpg',
    },
    answer: { id: 100001, uuid: '0b2f6d0e-5a0f-4a57-9a53-0f1f8d2c7b11', kyc_status: 'processing' },
  },
  requires: ({ body }) => findRequired(body),
  check: ({ body }, context) => findDelegatedFaults(body, context),
  findFurther: async (app, { body, files, integration }) => ({
    ...errorsOf(findDelegatedRefusals(body, { integration })),
    ...(await findSentFileFaults(app, { body, files, integration })),
  }),
  async handle(app, request) {
    const { body, integration } = request
    const refusals = findDelegatedRefusals(body, { integration })
    if (refusals.length > 0) refuseFirst(refusals, await findSentFileFaults(app, request))
    const delegated = readDelegated(body)
    const emailIndex = app.secrets.index('customer-email', emailKey(delegated.data.email))
    // Looked up before the files, which cost more; the transaction decides.
    if (await findCustomerByEmail(app.db, integration.id, emailIndex)) {
      return refuseTaken(app, integration, emailIndex)
    }
    const uuid = newUuid()
    const keyWrapped = app.secrets.newCustomerKey()
    const files = await takeFiles(app, request, delegated.files, { uuid, keyWrapped })
    const registered = await keepOrForget(app, files, () =>
      app.db.transaction().execute(async (trx) => {
        const given = { ...delegated, uuid, keyWrapped, emailIndex, files }
        const created = await register(app, trx, integration, given)
        if (created) await request.remember(trx, created)
        return created
      }),
    )
    if (!registered) return refuseTaken(app, integration, emailIndex)
    app.wake(KYC_LANE, 'event-sequencer')
    return registered
  },
})

interface Registered {
  id: number
  uuid: string
  kyc_status: 'processing'
}

type TakenFiles = Partial<Record<PersonFile, SealedFile>>

/**
 * Fetches, judges and seals the files one after the other, so that one is held at a time. When any is refused, all
 * faults are told, and none is kept.
 */
async function takeFiles(
  app: App,
  { files: sent, integration }: Pick<ApiRequest, 'files' | 'integration'>,
  wanted: Delegated['files'],
  { uuid, keyWrapped }: { uuid: string; keyWrapped: Buffer },
): Promise<TakenFiles> {
  const taken: TakenFiles = {}
  const errors: FieldErrors = {}
  const owner = { integrationId: integration.id, owner: uuid, keyWrapped }
  try {
    for (const { kind, field, text } of wanted) {
      await withIncomingFile(app, { text, files: sent, integration }, async (incoming) => {
        const judged = await judge(kind, incoming)
        if ('problem' in judged) errors[field] = [judged.problem]
        else taken[kind] = await sealFile(app, owner, judged)
      })
    }
    const texts = Object.entries(errors).map(([field, [problem]]) => `${field} ${problem}`)
    if (texts.length > 0) fail('invalid_file', `${texts.join('; ')}.`, { errors })
    return taken
  } catch (error) {
    await forget(app, taken)
    throw error
  }
}

/** What is wrong with the files that were sent; of those given by their address only this, as none is fetched for a refused call. */
async function findSentFileFaults(
  app: App,
  { body, files, integration }: Pick<ApiRequest, 'files' | 'integration'> & { body: Partial<DelegatedBody> },
): Promise<FieldErrors> {
  const errors: FieldErrors = {}
  for (const { kind, field, text } of filesOf(body)) {
    if (isFileUrl(text)) {
      const problem = await findAddressFault(app, text)
      if (problem) errors[field] = [problem]
      continue
    }
    await withIncomingFile(app, { text, files, integration }, async (incoming) => {
      const judged = await judge(kind, incoming)
      if ('problem' in judged) errors[field] = [judged.problem]
    })
  }
  return errors
}

type Judged = Parameters<typeof sealFile>[2] | { problem: string }

async function judge(kind: PersonFile, incoming: IncomingFile): Promise<Judged> {
  if (!incoming.ok) return incoming
  const { bytes } = incoming
  if (kind === 'face_video') {
    if (!(await isVideo(bytes))) return { problem: 'must be an MP4 or WebM video by its content' }
    const mime = bytes.toString('latin1', 4, 8) === 'ftyp' ? 'video/mp4' : 'video/webm'
    return { bytes, mime, width: null, height: null }
  }
  const picture = await judgePicture(bytes)
  if (picture.ok) {
    const { jpeg, width, height, problems } = picture
    return { bytes: jpeg, mime: 'image/jpeg', width, height, problems }
  }
  return picture.reason === 'too_many_pixels'
    ? { problem: 'is a picture of more than 50 megapixels' }
    : { problem: 'must be a readable JPEG, PNG or WebP picture by its content' }
}

async function forget({ providers }: Pick<App, 'providers'>, files: TakenFiles): Promise<void> {
  for (const { storageKey } of Object.values(files)) await providers.storage.remove(storageKey)
}

/** Forgets the files when nothing was registered: `work` answered undefined, or was refused. */
async function keepOrForget<T>(
  app: App,
  files: TakenFiles,
  work: () => Promise<T | undefined>,
): Promise<T | undefined> {
  try {
    const done = await work()
    if (done === undefined) await forget(app, files)
    return done
  } catch (error) {
    // Only what was refused is surely not pointed to: a connection that broke may have broken after the commit.
    if (error instanceof Failure) await forget(app, files)
    throw error
  }
}

/** Undefined, and nothing changed, when the e-mail address or the `external_id` is taken. */
async function register(
  app: App,
  trx: Trx,
  { id: integrationId }: Integration,
  given: Omit<Delegated, 'files'> & {
    uuid: string
    keyWrapped: Buffer
    emailIndex: Buffer
    files: TakenFiles
  },
): Promise<Registered | undefined> {
  const now = app.clock.now()
  const { data, person, files, ...customer } = given
  const banned = app.config.mode === 'sandbox' && hasEmailTag(data.email, 'banned')
  const id = await insertCustomer(trx, now, {
    ...customer,
    integrationId,
    personalSealed: sealData(app.secrets, given.keyWrapped, data),
    bannedAt: banned ? now : null,
    bannedReason: banned ? 'The e-mail tag +banned@ of the sandbox.' : null,
  })
  if (id === undefined) return undefined
  const verification = { integrationId, id: `ver_${randomText(24)}`, customerId: id }
  const token = newSecret()
  await insertVerification(trx, now, {
    ...verification,
    kind: 'delegated',
    tokenHash: sha256(token),
    tokenSealed: app.secrets.seal(LINK_PURPOSE, token),
    dataSealed: sealData(app.secrets, given.keyWrapped, { fields: person, mended: [] }),
    callbackUrl: given.callbackUrl,
    expiresAt: new Date(now.getTime() + app.config.durations.kycLinkLifetimeMs),
  })
  for (const [type, file] of Object.entries(files)) {
    const owner = { integrationId, customerId: id, verificationId: verification.id }
    await insertDocument(trx, now, owner, { type, file })
  }
  await updateVerification(trx, now, verification, { phase: 'submitted', dueAt: now })
  const inserted = await lockCustomer(trx, integrationId, id)
  if (!inserted) throw new Error('A customer that was just inserted is not there.')
  await changeStatus(app, trx, inserted, { kycStatus: 'processing', kycReasons: [] })
  return { id, uuid: given.uuid, kyc_status: 'processing' }
}
