/** Which screen a payment shows: the view decides, the customer only moves between the steps that are still open. */
import type { PaymentStatus, PaymentView } from '../../src/hosted/wire.ts'

export type Step = 'review' | 'method' | 'wallet' | 'pay'

export type Screen =
  | { kind: 'viewer' }
  | { kind: 'step'; step: Step; number: number; steps: Step[] }
  | { kind: 'new_price' }
  | { kind: 'confirming' }
  | { kind: 'transfer' }
  | { kind: 'transfer_waiting' }
  | { kind: 'delivery' }
  | { kind: 'end'; end: 'expired' | 'cancelled' | 'payment_rejected' | 'refunded' | 'in_review' }

const finalStates: readonly PaymentStatus[] = ['coins_sent', 'refunded']

/** Nothing more can happen. Expired and cancelled ones go on being watched: late money may still come. */
export function isFinal(view: PaymentView): boolean {
  return finalStates.includes(view.status)
}

export function stepsOf(view: PaymentView): Step[] {
  const steps: Step[] = ['review']
  if (!view.method_fixed) steps.push('method')
  if (!view.wallet.fixed) steps.push('wallet')
  steps.push('pay')
  return steps
}

/** `wanted` is the step in the page's address, so that reload and the back button work. */
export function screenOf(view: PaymentView, wanted: string): Screen {
  if (view.access === 'viewer') return { kind: 'viewer' }
  switch (view.status) {
    case 'started':
      return startedScreen(view, wanted)
    case 'pending_bank':
      return { kind: view.payment_type === 'transfer' ? 'transfer_waiting' : 'confirming' }
    case 'payment_received':
    case 'coins_sent':
      return { kind: 'delivery' }
    default:
      return { kind: 'end', end: view.status }
  }
}

function startedScreen(view: PaymentView, wanted: string): Screen {
  const session = view.session?.state
  if (session === 'confirming' || session === 'paid') return { kind: 'confirming' }
  if (view.bank_transfer) return { kind: 'transfer' }
  if (view.new_price && view.allowed.includes('accept_price')) return { kind: 'new_price' }
  const steps = stepsOf(view)
  const step = reachable(view, steps, wanted)
  return { kind: 'step', step, number: steps.indexOf(step) + 1, steps }
}

function reachable(view: PaymentView, steps: Step[], wanted: string): Step {
  // Back from the provider's page, or declined there: the customer stands before the payment again.
  const fallback = view.session ? 'pay' : 'review'
  const step = steps.find((one) => one === wanted) ?? fallback
  if (step === 'method' && !view.allowed.includes('choose_method')) return 'pay'
  if (step === 'wallet' && !view.allowed.includes('set_wallet')) return 'pay'
  if (step === 'pay' && !view.wallet.address) return 'wallet'
  return step
}

export function stepAfter(view: PaymentView, step: Step): Step {
  const steps = stepsOf(view)
  return steps[steps.indexOf(step) + 1] ?? 'pay'
}

export function stepBefore(view: PaymentView, step: Step): Step {
  const steps = stepsOf(view)
  return steps[steps.indexOf(step) - 1] ?? 'review'
}
