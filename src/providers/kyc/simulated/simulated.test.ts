import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openSimulatorWorld, type SimulatorWorld } from '../../../../test/support/simulator.ts'
import { createExaminer } from '../../../users/built-in-checks.ts'
import { createCompanyExaminer } from '../../../users/company-checks.ts'
import { createEnhancedExaminer } from '../../../users/enhanced-checks.ts'
import { readSanctionsList } from '../../../users/sanctions.ts'
import { addFaults } from '../../faults.ts'
import { isProviderError, kycSuite, soundApplication, soundEnhanced } from '../contract-suite.ts'
import type { KycProvider } from '../port.ts'
import { createSimulatedKyc, DECISION_DELAY_MS, SLOW_DECISION_DELAY_MS } from './provider.ts'

const sanctions = readSanctionsList()
const examine = createExaminer(sanctions)
const examineCompany = createCompanyExaminer(sanctions)
const examineEnhanced = createEnhancedExaminer(sanctions)

kycSuite('simulated', async () => {
  const world = await openSimulatorWorld(() => [])
  return {
    provider: createSimulatedKyc(world.simulator, { examine, examineCompany, examineEnhanced }),
    now: () => world.simulator.clock.now(),
    async told() {
      world.advance(DECISION_DELAY_MS)
      await world.settle()
      return world.delivered.splice(0)
    },
    usualOutcome: 'valid',
    close: world.close,
  }
})

describe('the simulated verification provider', () => {
  let world: SimulatorWorld
  let provider: KycProvider
  before(async () => {
    world = await openSimulatorWorld(() => [])
    provider = createSimulatedKyc(world.simulator, { examine, examineCompany, examineEnhanced })
  })
  after(() => world.close())
  const sound = (email = 'ana@example.com') => soundApplication(world.simulator.clock.now(), { email })

  for (const [email, outcome, reasons] of [
    ['ana@example.com', 'valid', []],
    ['ana+kycfail@example.com', 'fail', [{ field: null, code: 'not_accepted' }]],
    ['ana+kycfail+2@example.com', 'fail', [{ field: null, code: 'not_accepted' }]],
    ['ana+kycreview@example.com', 'review', []],
  ] as const) {
    test(`${email}: pending at first, then ${outcome}, and told so`, async () => {
      const { providerRef } = await provider.submit(sound(email))
      assert.equal((await provider.getDecision(providerRef)).outcome, 'pending')
      await world.settle()
      assert.equal(world.delivered.length, 0)
      world.advance(DECISION_DELAY_MS)
      await world.settle()
      const notifications = world.delivered.splice(0).flatMap((callback) => provider.parseCallback(callback))
      assert.deepEqual(
        notifications.map(({ type, providerRef: ref }) => [type, ref]),
        [['verification.decided', providerRef]],
      )
      const decision = await provider.getDecision(providerRef)
      assert.deepEqual([decision.outcome, decision.reasons], [outcome, reasons])
    })
  }

  for (const [tag, first, enhanced] of [
    ['reinforcedfail', 'valid', 'fail'],
    ['reinforcedreview', 'valid', 'review'],
    ['kycfail', 'fail', 'fail'],
  ] as const) {
    test(`+${tag}@: the first ${first}, the enhanced ${enhanced}`, async () => {
      const email = `ana+${tag}@example.com`
      const { customer, ...declaration } = soundEnhanced()
      const submitted = [
        await provider.submit(sound(email)),
        await provider.submitEnhanced({ ...declaration, customer: { ...customer, email } }),
      ]
      world.advance(DECISION_DELAY_MS)
      const decisions = await Promise.all(
        submitted.map(({ providerRef }) => provider.getDecision(providerRef)),
      )
      assert.deepEqual(
        decisions.map(({ outcome }) => outcome),
        [first, enhanced],
      )
    })
  }

  test('+kycslow@ takes two minutes', async () => {
    const { providerRef } = await provider.submit(sound('ana+kycslow@example.com'))
    world.advance(SLOW_DECISION_DELAY_MS - 1000)
    assert.equal((await provider.getDecision(providerRef)).outcome, 'pending')
    world.advance(1000)
    assert.equal((await provider.getDecision(providerRef)).outcome, 'valid')
  })

  test('nothing personal is kept', async () => {
    await provider.submit(sound('very.personal@example.com'))
    const rows = await world.simulator.db.selectFrom('simulated.kycApplications').selectAll().execute()
    assert.doesNotMatch(JSON.stringify(rows), /personal|Ana|García|12345678Z|Mayor/)
  })

  test('ordered faults happen: an error, an answer lost after it was done', async () => {
    await addFaults(world.simulator, { provider: 'kyc', kind: 'fail', count: 1 })
    await assert.rejects(provider.submit(sound()), isProviderError('not_sent'))
    await addFaults(world.simulator, { provider: 'kyc', kind: 'lost_answer', count: 1 })
    const application = sound()
    await assert.rejects(provider.submit(application), isProviderError('unknown'))
    const { providerRef } = await provider.submit(application)
    const rows = await world.simulator.db
      .selectFrom('simulated.kycApplications')
      .select('id')
      .where('idempotencyKey', '=', application.idempotencyKey)
      .execute()
    assert.deepEqual(rows, [{ id: providerRef }])
  })

  test('what it never saw is not found', async () => {
    await assert.rejects(
      provider.getDecision('kyc_nope'),
      isProviderError('rejected', 'application_not_found'),
    )
  })
})
