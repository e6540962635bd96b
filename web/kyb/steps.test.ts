import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KybView } from '../../src/hosted/kyb-wire.ts'
import { kybScenarios } from '../fixtures/kyb-scenarios.ts'
import { isFinal, kybScreenOf, peopleFault, personFieldsToMend, splitPart } from './steps.ts'

const moment = { now: Date.UTC(2026, 5, 26), origin: 'http://127.0.0.1' }
const at = (name: string): KybView => kybScenarios[name]!(moment)

describe('the screen of a company', () => {
  it('goes on where something is missing', () => {
    for (const [name, step] of [
      ['form', 'company'],
      ['business', 'business'],
      ['papers', 'papers'],
      ['people', 'people'],
      ['check', 'check'],
    ] as const) {
      const screen = kybScreenOf(at(name), '')
      assert.equal(screen.kind === 'step' && screen.step, step)
    }
  })

  it('goes back to a step that was done, and not ahead of one that was not', () => {
    assert.deepEqual(kybScreenOf(at('check'), 'company'), { kind: 'step', step: 'company', number: 1 })
    assert.deepEqual(kybScreenOf(at('form'), 'check'), { kind: 'step', step: 'company', number: 1 })
  })

  it("shows a person's form and photos while there is such a person", () => {
    assert.deepEqual(kybScreenOf(at('people-some'), 'person-new'), { kind: 'person', id: null })
    assert.deepEqual(kybScreenOf(at('people-some'), 'photos-2'), { kind: 'photos', id: '2' })
    assert.deepEqual(kybScreenOf(at('people-some'), 'person-9'), { kind: 'step', step: 'people', number: 4 })
    assert.deepEqual(kybScreenOf(at('form'), 'person-new'), { kind: 'step', step: 'company', number: 1 })
    assert.deepEqual(kybScreenOf(at('mend'), 'person-1'), { kind: 'mend' })
    assert.deepEqual(kybScreenOf(at('mend-people'), 'person-1'), { kind: 'person', id: '1' })
  })

  it('is the phase when there is nothing to fill in', () => {
    for (const phase of ['password', 'processing', 'valid', 'fail', 'expired'] as const) {
      assert.deepEqual(kybScreenOf(at(phase), 'company'), { kind: phase })
      assert.equal(isFinal(at(phase)), ['valid', 'fail', 'expired'].includes(phase))
    }
  })
})

describe('the people', () => {
  const [ana, eva] = at('people-some').people as [KybView['people'][0], KybView['people'][0]]
  it('need a representative, photos, and no more than everything', () => {
    assert.equal(peopleFault({ people: [] }), 'representative_missing')
    assert.equal(peopleFault({ people: [ana, eva] }), 'photos_missing')
    const whole = { ...ana, ownership_percent: '60' }
    assert.equal(peopleFault({ people: [whole, { ...whole, ownership_percent: '40.01' }] }), 'over_100')
    assert.equal(peopleFault({ people: [whole, { ...whole, ownership_percent: '40' }] }), null)
  })

  it('are mended by field, or as a whole', () => {
    assert.deepEqual(personFieldsToMend(at('mend'), '1'), ['birth_date'])
    assert.deepEqual(personFieldsToMend(at('mend-people'), '1'), [])
    assert.deepEqual(splitPart('people.2.birth_date'), { id: '2', part: 'birth_date' })
    assert.equal(splitPart('people'), null)
  })
})
