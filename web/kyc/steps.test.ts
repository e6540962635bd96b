import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { kyc, kycScenarios } from '../fixtures/kyc-scenarios.ts'
import {
  fieldsToMend,
  isFinal,
  kycScreenOf,
  photosNeeded,
  photosToMend,
  stepBeside,
  stepsOf,
} from './steps.ts'

const moment = { now: Date.UTC(2026, 5, 26), origin: 'http://localhost' }
const view = (name: string) => kycScenarios[name]!(moment)
const shown = (name: string, wanted = '') => {
  const screen = kycScreenOf(view(name), wanted)
  return screen.kind === 'step' ? screen.step : screen.kind
}

describe('kycScreenOf', () => {
  it('goes on where something is missing', () => {
    assert.equal(shown('form'), 'person')
    assert.equal(shown('home'), 'home')
    assert.equal(shown('document'), 'document')
    assert.equal(shown('photos'), 'photos')
    assert.equal(shown('face'), 'face')
    assert.equal(shown('check'), 'check')
  })

  it('goes back where the customer wants, but not ahead of what is done', () => {
    assert.equal(shown('face', 'person'), 'person')
    assert.equal(shown('home', 'face'), 'home')
  })

  it('shows each phase its screen', () => {
    for (const name of ['mend', 'processing', 'valid', 'fail', 'expired']) assert.equal(shown(name), name)
    assert.equal(shown('human-review'), 'review')
    assert.equal(shown('valid', 'person'), 'valid')
  })

  it('leaves out a step of which nothing is asked', () => {
    const short = kyc(moment, { asked: ['name', 'identification_type'] })
    assert.deepEqual(stepsOf(short), ['person', 'document', 'photos', 'face', 'check'])
    assert.equal(stepBeside(short, 'person', 1), 'document')
    assert.equal(stepBeside(short, 'person', -1), 'person')
  })
})

describe('photosNeeded', () => {
  it('asks for one side of a passport, two of a card', () => {
    assert.deepEqual(photosNeeded(view('passport')), ['document_front'])
    assert.deepEqual(photosNeeded(view('photos')), ['document_front', 'document_back'])
  })
})

describe('what to mend', () => {
  it('is just what was rejected', () => {
    assert.deepEqual(fieldsToMend(view('mend')), ['birth_date'])
    assert.deepEqual(photosToMend(view('mend')), ['document_front'])
  })

  it('takes country, type and number of a document together', () => {
    assert.deepEqual(fieldsToMend(view('mend-document')), [
      'identification_country',
      'identification_type',
      'identification_number',
    ])
  })
})

describe('isFinal', () => {
  it('is the decision, not the waiting', () => {
    assert.equal(isFinal(view('processing')), false)
    assert.equal(isFinal(view('mend')), false)
    assert.equal(isFinal(view('valid')), true)
    assert.equal(isFinal(view('fail')), true)
  })
})
