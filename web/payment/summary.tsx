/** Beside every screen: what is paid, what arrives, and how long that holds. */
import { useState } from 'preact/hooks'
import type { Price } from '../../src/hosted/wire.ts'
import { TextButton } from '../shared/controls.tsx'
import { useCountdown } from '../shared/countdown.ts'
import { Icon } from '../shared/icons.tsx'
import { HandoverDialog } from './handover-dialog.tsx'
import { exchanged, type Scene, usePaymentSpeech } from './scene.ts'
import type { Screen } from './steps.ts'

export function Summary({ scene, screen }: { scene: Scene; screen: Screen }) {
  const { words, format } = usePaymentSpeech()
  const { view } = scene
  const price = (screen.kind === 'new_price' && view.new_price) || view.price
  const [handing, setHanding] = useState(false)
  const inSteps = screen.kind === 'step'
  const reviewing = inSteps && screen.step === 'review'
  const done = view.status === 'coins_sent'
  // On a phone the amount stands large once, on the first screen; later it makes room for the step.
  const small = !reviewing
  return (
    <section aria-label={words.priceAndFees}>
      <div class={small ? 'max-lg:flex max-lg:flex-wrap max-lg:items-baseline max-lg:gap-x-2' : ''}>
        <p class={`text-soft ${small ? 'max-lg:sr-only' : ''}`}>{words.youPay}</p>
        <p class={`font-semibold tracking-tight tabular-nums lg:text-4xl ${small ? 'text-2xl' : 'text-4xl'}`}>
          {format.money(price.fiat)}
        </p>
        <p class={`text-soft lg:mt-3 ${small ? '' : 'mt-3'}`}>
          {small && <Icon name="back" class="mr-2 inline size-4 rotate-180 lg:hidden" />}
          <span class={small ? 'max-lg:sr-only' : ''}>
            {price.kind === 'estimate' && !done ? words.youReceiveAbout : words.youReceive}{' '}
          </span>
          <strong class="font-semibold text-ink tabular-nums">{format.token(price.token)}</strong>{' '}
          <span class={small ? 'max-lg:sr-only' : ''}>{words.onChain(price.token.chain_name)}</span>
        </p>
      </div>
      {(inSteps || screen.kind === 'transfer') && <PriceHolds scene={scene} />}
      {screen.kind !== 'new_price' && !reviewing && (
        <details class="group lg:mt-2">
          <summary class="link list-none [&::-webkit-details-marker]:hidden">
            {words.priceAndFees}
            <Icon name="chevron" class="size-4 transition-transform group-open:rotate-180" />
          </summary>
          <div class="mt-1 pb-2">
            <Breakdown price={price} />
          </div>
        </details>
      )}
      {view.allowed.includes('hand_over') && (
        <div class="mt-4 hidden border-t border-line pt-2 lg:block">
          <TextButton icon="phone" onPress={() => setHanding(true)}>
            {words.onPhoneOpen}
          </TextButton>
        </div>
      )}
      {handing && <HandoverDialog scene={scene} onClose={() => setHanding(false)} />}
    </section>
  )
}

/** The countdown for the eye each second; for the ear once, when a minute is left. */
function PriceHolds({ scene }: { scene: Scene }) {
  const { words, format } = usePaymentSpeech()
  const { view, viewAt, live } = scene
  const until = view.price.kind === 'fixed' ? view.price.expires_at : null
  const left = useCountdown(until, { serverTime: view.server_time, at: viewAt }, live.refresh)
  if (view.price.kind === 'estimate') return <p class="mt-3 text-sm text-soft">{words.estimate}</p>
  if (left === null) return null
  return (
    <div class="mt-3 text-sm">
      <p
        class={`inline-flex items-center gap-1.5 rounded-full px-2.5 py-1 ${left <= 60 ? 'bg-warn-back text-warn' : 'bg-line/60 text-ink'}`}
      >
        <Icon name="clock" class="size-4" />
        {left === 0 ? (
          words.priceEnded
        ) : (
          <span>
            {words.priceHolds} <span class="font-semibold tabular-nums">{format.clock(left)}</span>
          </span>
        )}
      </p>
      <p class="sr-only" role="status">
        {left > 0 && left <= 60 ? words.priceHoldsMinute : ''}
      </p>
    </div>
  )
}

/** Every fee on a line of its own; the sum can be done by hand. */
export function Breakdown({ price }: { price: Price }) {
  const { words, format } = usePaymentSpeech()
  return (
    <dl class="space-y-2.5 text-[0.9375rem] tabular-nums">
      <Line name={words.youPay} value={format.money(price.fiat)} />
      {price.fees.map((fee) => (
        <Line
          key={fee.kind}
          name={`${words[`fee_${fee.kind}`]}${fee.percent ? ` (${format.percent(fee.percent)})` : ''}`}
          value={`−${format.money(fee.amount)}`}
        />
      ))}
      <Line name={words.exchanged} value={format.money(exchanged(price))} ruled />
      <Line name={words.price} value={format.rate(price.token.symbol, price.rate, price.fiat.currency)} />
      <Line
        name={price.kind === 'estimate' ? words.youReceiveAbout : words.youReceive}
        value={format.token(price.token)}
        strong
        ruled
      />
    </dl>
  )
}

interface LineProps {
  name: string
  value: string
  strong?: boolean
  /** With a line above, as over a sum. */
  ruled?: boolean
}

function Line({ name, value, strong, ruled }: LineProps) {
  const look = `${strong ? 'font-semibold' : ''} ${ruled ? 'border-t border-line pt-2.5' : ''}`
  return (
    <div class={`flex items-baseline justify-between gap-4 ${look}`}>
      <dt class={strong ? '' : 'text-soft'}>{name}</dt>
      <dd class="text-right">{value}</dd>
    </div>
  )
}
