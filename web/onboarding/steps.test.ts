import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { onboarding, onboardingScenarios } from '../fixtures/onboarding-scenarios.ts'
import { checkField } from './check-field.ts'
import { fieldsOf, fieldsToMend, onboardingScreenOf, savedIn } from './steps.ts'

const moment = { now: Date.parse('2026-06-26T10:30:00Z'), origin: 'http://localhost' }
const view = (name: string) => onboardingScenarios[name]!(moment)

describe('onboardingScreenOf', () => {
  it('goes on where something is missing', () => {
    for (const [name, step] of [
      ['form', 'work'],
      ['funds', 'funds'],
      ['funds-given', 'use'],
      ['status', 'status'],
      ['check', 'check'],
    ] as const) {
      const screen = onboardingScreenOf(view(name), '')
      assert.equal(screen.kind === 'step' && screen.step, step, name)
    }
  })

  it('follows the address, but not past what is missing', () => {
    const screen = (wanted: string) => onboardingScreenOf(view('funds'), wanted)
    assert.deepEqual(
      [screen('work'), screen('check')].map((one) => one.kind === 'step' && one.step),
      ['work', 'funds'],
    )
  })

  it('shows the outcome, and just what is to be mended', () => {
    assert.equal(onboardingScreenOf(view('review'), 'work').kind, 'review')
    assert.equal(onboardingScreenOf(view('mend'), 'work').kind, 'mend')
    assert.deepEqual(fieldsToMend(view('mend')), ['employer'])
  })
})

describe('the fields', () => {
  it('ask of somebody without work for no employer', () => {
    const form = onboarding(moment)
    const typed = (status: string) =>
      fieldsOf('work', form, (field) => (field === 'employment_status' ? status : ''))
    assert.ok(typed('employed').includes('employer'))
    assert.deepEqual(typed('retired'), ['employment_status', 'income_currency', 'income_range'])
  })

  it('are judged before they are sent', () => {
    const context = { optional: false, read: savedIn(view('check')), view: view('check') }
    assert.equal(checkField('occupation', ' ', context), 'required')
    assert.equal(checkField('occupation', '…', context), 'invalid')
    assert.equal(checkField('occupation', 'x'.repeat(121), context), 'too_long')
    assert.equal(checkField('tax_number', '', { ...context, optional: true }), null)
    assert.equal(checkField('income_range', '24000-48000', context), null)
    // A range of another currency than the one that is chosen.
    const inPesos = { ...context, read: () => 'CLP' }
    assert.equal(checkField('income_range', '24000-48000', inPesos), 'required')
  })
})
