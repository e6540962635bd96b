import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { paymentScenarios } from '../fixtures/payment-scenarios.ts'
import { isFinal, screenOf, stepAfter, stepBefore, stepsOf } from './steps.ts'

const moment = { now: Date.UTC(2026, 5, 26), origin: 'http://localhost' }
const view = (name: string) => paymentScenarios[name]!(moment)
const shown = (name: string, wanted = '') => {
  const screen = screenOf(view(name), wanted)
  return screen.kind === 'step' ? screen.step : screen.kind === 'end' ? screen.end : screen.kind
}

describe('screenOf', () => {
  it('shows each state its screen', () => {
    const screens = {
      review: 'review',
      'session-open': 'pay',
      declined: 'pay',
      abandoned: 'pay',
      failed: 'pay',
      confirming: 'confirming',
      'new-price': 'new_price',
      transfer: 'transfer',
      'transfer-waiting': 'transfer_waiting',
      'bank-pending': 'confirming',
      received: 'delivery',
      sent: 'delivery',
      expired: 'expired',
      cancelled: 'cancelled',
      rejected: 'payment_rejected',
      'in-review': 'in_review',
      refunded: 'refunded',
      viewer: 'viewer',
    }
    for (const [name, screen] of Object.entries(screens)) assert.equal(shown(name), screen, name)
  })

  it('goes to the step in the address', () => {
    assert.equal(shown('review', 'method'), 'method')
    assert.equal(shown('pay', 'wallet'), 'wallet')
    assert.equal(shown('review', 'nonsense'), 'review')
  })

  it('lets nobody pay before there is a wallet', () => {
    assert.equal(shown('review', 'pay'), 'wallet')
    assert.equal(shown('pay', 'pay'), 'pay')
  })

  it('leaves out what the integration decided', () => {
    assert.deepEqual(stepsOf(view('fixed-wallet')), ['review', 'pay'])
    assert.equal(shown('fixed-wallet', 'wallet'), 'review')
  })

  it('does not go back to what is frozen', () => {
    assert.equal(shown('session-open', 'wallet'), 'pay')
    assert.equal(shown('session-open', 'method'), 'pay')
  })

  it('knows the steps beside', () => {
    assert.equal(stepAfter(view('review'), 'review'), 'method')
    assert.equal(stepAfter(view('review'), 'pay'), 'pay')
    assert.equal(stepBefore(view('review'), 'method'), 'review')
    assert.equal(stepAfter(view('fixed-wallet'), 'review'), 'pay')
  })
})

describe('isFinal', () => {
  it('goes on watching an expired payment: late money may come', () => {
    assert.equal(isFinal(view('expired')), false)
    assert.equal(isFinal(view('sent')), true)
    assert.equal(isFinal(view('refunded')), true)
  })
})
