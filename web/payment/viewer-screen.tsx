import { StepHeading } from '../shared/frame.tsx'
import { Icon } from '../shared/icons.tsx'
import { methodName, type Scene, usePaymentSpeech } from './scene.ts'

/** Opened where it didn't begin: the state, live, and how to go on here. The server has masked the rest. */
export function ViewerScreen({ scene: { view } }: { scene: Scene }) {
  const { words } = usePaymentSpeech()
  return (
    <>
      <span class="mb-5 grid size-14 place-items-center rounded-full bg-side text-soft">
        <Icon name="lock" class="size-7" />
      </span>
      <StepHeading page={view.brand.name}>{words.viewerTitle}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{words.viewerText}</p>
      <dl class="card divide-y divide-line">
        <Row name={words.status} value={words[`status_${view.status}`]} live />
        <Row name={words.paymentMethod} value={methodName(words, view.payment_type)} />
        {view.wallet.address && (
          <Row name={`${words.wallet} · ${view.wallet.chain_name}`} value={view.wallet.address} mono />
        )}
      </dl>
    </>
  )
}

interface RowProps {
  name: string
  value: string
  mono?: boolean
  live?: boolean
}

function Row({ name, value, mono, live }: RowProps) {
  return (
    <div class="px-4 py-3">
      <dt class="text-sm text-soft">{name}</dt>
      <dd class={mono ? 'font-mono text-sm' : 'font-medium'} aria-live={live ? 'polite' : undefined}>
        {value}
      </dd>
    </div>
  )
}
