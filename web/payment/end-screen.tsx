import type { Refund } from '../../src/hosted/wire.ts'
import { Notice } from '../shared/controls.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { Icon, type IconName } from '../shared/icons.tsx'
import { BackToMerchant } from './back-to-merchant.tsx'
import { ownText, type Scene, usePaymentSpeech } from './scene.ts'
import type { Screen } from './steps.ts'

type End = (Screen & { kind: 'end' })['end']

const looks: Record<End, { icon: IconName; tone: string }> = {
  expired: { icon: 'clock', tone: 'bg-side text-soft' },
  cancelled: { icon: 'cross', tone: 'bg-side text-soft' },
  payment_rejected: { icon: 'alert', tone: 'bg-bad-back text-bad' },
  refunded: { icon: 'transfer', tone: 'bg-good-back text-good' },
  in_review: { icon: 'search', tone: 'bg-warn-back text-warn' },
}

export function EndScreen({ scene: { view }, end }: { scene: Scene; end: End }) {
  const { words, format } = usePaymentSpeech()
  const { icon, tone } = looks[end]
  const ownReason = ownText(words, `end_${end}_${view.status_reason}`)
  return (
    <>
      <span class={`mb-5 grid size-14 place-items-center rounded-full ${tone}`}>
        <Icon name={icon} class="size-7" />
      </span>
      <StepHeading page={view.brand.name}>{words[`end_${end}_title`]}</StepHeading>
      <p class="mt-1.5 text-soft">{ownReason ?? words[`end_${end}_text`]}</p>
      {end === 'in_review' && view.expires_at && (
        <p class="mt-3 text-soft">{words.end_in_review_until(format.dateTime(view.expires_at))}</p>
      )}
      {end === 'expired' && view.payment_type === 'transfer' && (
        <p class="mt-3 text-soft">{words.end_expired_late}</p>
      )}
      <div class="mt-6 space-y-6">
        <RefundWord refund={view.refund} />
        <BackToMerchant view={view} kind={end === 'in_review' ? 'plain' : 'main'} />
      </div>
    </>
  )
}

export function RefundWord({ refund }: { refund: Refund | null }) {
  const { words, format } = usePaymentSpeech()
  if (!refund) return null
  const reason = ownText(words, `reason_${refund.reason}`)
  return (
    <Notice tone={refund.state === 'failed' ? 'warn' : 'info'} title={words.refundTitle}>
      <p>{words[`refund_${refund.state}`](format.money(refund.amount))}</p>
      {reason && <p class="text-soft">{reason}</p>}
    </Notice>
  )
}
