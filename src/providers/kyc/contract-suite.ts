import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { CallbackRefused, type RawCallback } from '../callback.ts'
import { ProviderError } from '../provider-error.ts'
import { ENHANCED_FIELDS, type EnhancedApplication } from './enhanced.ts'
import type { KycApplication, KycDecision, KycProvider } from './port.ts'

/** A verification provider; a real one is driven through its test mode. */
export interface KycWorld {
  provider: KycProvider
  /** The platform's time. */
  now(): Date
  /** Lets the provider finish what it has under way, and answers what it has told us since the last call. */
  told(): Promise<RawCallback[]>
  /** The outcome of an application with which nothing is wrong. */
  usualOutcome: 'valid' | 'review'
  close(): Promise<void>
}

/** An application with which nothing is wrong, at the world's time. */
export function soundApplication(now: Date, over: Partial<KycApplication['person']> = {}): KycApplication {
  const photo = { width: 1200, height: 800, problems: [], read: async () => Buffer.from('jpeg') }
  return {
    idempotencyKey: randomUUID(),
    person: {
      name: 'Ana',
      lastName: 'García López',
      birthDate: '1990-05-17',
      email: 'ana@example.com',
      phone: '+34600123456',
      country: 'ES',
      address: 'Calle Mayor 1',
      city: 'Madrid',
      postalCode: '28013',
      identification: {
        country: 'ES',
        type: 'GOVERNMENT_ID',
        number: '12345678Z',
        expiresOn: `${now.getUTCFullYear() + 3}-01-31`,
      },
      ...over,
    },
    photos: [
      { kind: 'document_front', ...photo },
      { kind: 'document_back', ...photo },
      { kind: 'face_image', ...photo },
    ],
  }
}

/** A declaration with which nothing is wrong. */
export function soundEnhanced(over: Partial<EnhancedApplication['declared']> = {}): EnhancedApplication {
  const empty = Object.fromEntries(ENHANCED_FIELDS.map((field) => [field, null]))
  return {
    idempotencyKey: randomUUID(),
    customer: { type: 'individual', name: 'Ana García López', email: 'ana@example.com', country: 'ES' },
    declared: {
      ...(empty as EnhancedApplication['declared']),
      employment_status: 'employed',
      occupation: 'Contable',
      employer: 'Panadería Sol, S.L.',
      sector: 'retail',
      income_currency: 'EUR',
      income_range: '24000-48000',
      source_of_funds: 'salary',
      purpose: 'family',
      monthly_volume: '1000-3000',
      pep: 'no',
      tax_residence: 'ES',
      ...over,
    },
    documents: [{ type: 'payslip', mime: 'application/pdf', bytes: 3, read: async () => Buffer.from('pdf') }],
    signature: { name: 'Ana García', at: '2026-06-26T10:30:00.000000Z' },
  }
}

/** What holds for every verification provider. */
export function kycSuite(name: string, open: () => Promise<KycWorld>): void {
  describe(`kyc contract: ${name}`, () => {
    let world: KycWorld
    before(async () => {
      world = await open()
    })
    after(() => world.close())

    const decided = async (application: KycApplication): Promise<KycDecision> => {
      const submission = await world.provider.submit(application)
      await world.told()
      return submission.decision ?? (await world.provider.getDecision(submission.providerRef))
    }

    test('a sound application ends as usual, with its checks named and what nobody proved', async () => {
      const { outcome, reasons, checks } = await decided(soundApplication(world.now()))
      assert.deepEqual([outcome, reasons], [world.usualOutcome, []])
      assert.ok(checks.some(({ result }) => result === 'passed'))
      assert.ok(checks.some(({ result }) => result === 'not_proven'))
    })

    test('the same key again is the same application', async () => {
      const application = soundApplication(world.now())
      const [first, second] = [
        await world.provider.submit(application),
        await world.provider.submit(application),
      ]
      const outcomes = []
      await world.told()
      for (const { providerRef, decision } of [first, second]) {
        outcomes.push((decision ?? (await world.provider.getDecision(providerRef))).outcome)
      }
      assert.deepEqual(outcomes, [world.usualOutcome, world.usualOutcome])
      if (!first.decision) assert.equal(first.providerRef, second.providerRef)
    })

    test('an expired document goes back to the customer, with the field named', async () => {
      const application = soundApplication(world.now())
      application.person.identification.expiresOn = '2020-01-31'
      const { outcome, reasons } = await decided(application)
      assert.equal(outcome, 'mend')
      assert.deepEqual(reasons, [{ field: 'identification_expires_on', code: 'document_expired' }])
    })

    test('a name on a sanctions list is left to a person', async () => {
      const person = { name: 'VÍKTOR', lastName: 'Sankzionov Pérez' }
      const { outcome, checks } = await decided(soundApplication(world.now(), person))
      assert.equal(outcome, 'review')
      assert.equal(checks.find(({ check }) => check === 'sanctions')?.result, 'failed')
    })

    const decidedEnhanced = async (application: EnhancedApplication): Promise<KycDecision> => {
      const submission = await world.provider.submitEnhanced(application)
      await world.told()
      return submission.decision ?? (await world.provider.getDecision(submission.providerRef))
    }

    test('a sound declaration ends as usual, with what nobody proved', async () => {
      const { outcome, reasons, checks } = await decidedEnhanced(soundEnhanced())
      assert.deepEqual([outcome, reasons], [world.usualOutcome, []])
      assert.ok(checks.some(({ check, result }) => check === 'documents_read' && result === 'not_proven'))
    })

    test('a politically exposed person, and a name on a sanctions list, are left to a person', async () => {
      const exposed = await decidedEnhanced(soundEnhanced({ pep: 'yes', pep_details: 'Alcaldesa' }))
      assert.equal(exposed.outcome, 'review')
      const listed = soundEnhanced()
      const { outcome } = await decidedEnhanced({
        ...listed,
        customer: { ...listed.customer, name: 'VÍKTOR Sankzionov Pérez' },
      })
      assert.equal(outcome, 'review')
    })

    test('a declaration without documents goes back, and the volume is set against the income', async () => {
      const { outcome, reasons } = await decidedEnhanced({ ...soundEnhanced(), documents: [] })
      assert.deepEqual([outcome, reasons], ['mend', [{ field: 'documents', code: 'required' }]])
      const { checks } = await decidedEnhanced(soundEnhanced({ monthly_volume: '10000-25000' }))
      assert.equal(checks.find(({ check }) => check === 'volume_against_income')?.result, 'warned')
    })

    test('a callback that nobody signed is refused', () => {
      const rawBody = Buffer.from(
        JSON.stringify({ notifications: [{ id: 'x', type: 'verification.decided' }] }),
      )
      for (const headers of [{}, { 'simulated-signature': `t=1,v1=${'0'.repeat(64)}` }]) {
        assert.throws(() => world.provider.parseCallback({ headers, rawBody }), CallbackRefused)
      }
    })

    test('two applications at once are two', async () => {
      const submitted = await Promise.all(
        [1, 2].map(() => world.provider.submit(soundApplication(world.now()))),
      )
      assert.notEqual(submitted[0]?.providerRef, submitted[1]?.providerRef)
    })
  })
}

export const isProviderError =
  (outcome: ProviderError['outcome'], code?: string) =>
  (error: unknown): boolean =>
    error instanceof ProviderError && error.outcome === outcome && (code === undefined || error.code === code)
