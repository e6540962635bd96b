import type { PaymentView } from '../../src/hosted/wire.ts'
import { safeUrl } from '../shared/safe-url.ts'
import { usePaymentSpeech } from './scene.ts'

/** A plain link: it works without script, by keyboard, and shows where it goes. */
export function BackToMerchant({ view, kind }: { view: PaymentView; kind: 'main' | 'plain' }) {
  const { words } = usePaymentSpeech()
  const url = safeUrl(view.callback_url)
  if (!url) return null
  return (
    <a class={`button button-${kind}`} href={url} rel="noreferrer">
      {words.backTo(view.brand.name)}
    </a>
  )
}
