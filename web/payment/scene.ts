/** What every screen of the payment page is handed. */
import type { PaymentView } from '../../src/hosted/wire.ts'
import { subtract } from '../shared/decimal.ts'
import type { Live } from '../shared/live.ts'
import { useAction } from '../shared/use-action.ts'
import { useSpeech } from '../shared/words.tsx'
import type { PaymentApi } from './api.ts'
import type { PaymentWords } from './messages/en.ts'
import type { Step } from './steps.ts'

export interface Scene {
  view: PaymentView
  /** `performance.now()` when the view came. */
  viewAt: number
  live: Live<PaymentView>
  api: PaymentApi
  go: (step: Step) => void
}

export const usePaymentSpeech = () => useSpeech<PaymentWords>()

export function usePaymentAction(scene: Scene) {
  const { words } = usePaymentSpeech()
  return useAction(scene.live, (code) => ownText(words, `error_${code}`))
}

/** A text found by a code that came over the wire. */
export function ownText(words: PaymentWords, key: string): string | undefined {
  const text = Object.hasOwn(words, key) ? words[key as keyof PaymentWords] : undefined
  return typeof text === 'string' ? text : undefined
}

export function methodName(words: PaymentWords, paymentType: string): string {
  return ownText(words, `method_${paymentType}`) ?? paymentType
}

/** What is exchanged once the fees are off. */
export function exchanged(price: PaymentView['price']) {
  return { amount: subtract(price.fiat.amount, price.fees_total.amount), currency: price.fiat.currency }
}
