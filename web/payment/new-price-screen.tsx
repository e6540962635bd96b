import type { Price } from '../../src/hosted/wire.ts'
import { Button, Notice } from '../shared/controls.tsx'
import { useCountdown } from '../shared/countdown.ts'
import { compare, subtract } from '../shared/decimal.ts'
import { StepHeading } from '../shared/frame.tsx'
import { Icon } from '../shared/icons.tsx'
import { CancelPayment } from './cancel-payment.tsx'
import { type Scene, usePaymentAction, usePaymentSpeech } from './scene.ts'
import { Breakdown } from './summary.tsx'

/** The old price is over: the new one is shown beside it, and nothing goes on before it is accepted. */
export function NewPriceScreen({ scene }: { scene: Scene }) {
  const { words, format } = usePaymentSpeech()
  const { view, viewAt, live, api } = scene
  const action = usePaymentAction(scene)
  const offer = view.new_price
  const left = useCountdown(
    offer?.expires_at ?? null,
    { serverTime: view.server_time, at: viewAt },
    live.refresh,
  )
  if (!offer) return null
  return (
    <>
      <StepHeading page={view.brand.name}>{words.newPriceTitle}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{words.newPriceText}</p>
      <div class="card p-5">
        <Comparison before={view.price} now={offer} />
        <div class="mt-4 border-t border-line pt-4">
          <Breakdown price={offer} />
        </div>
      </div>
      <div class="mt-5 space-y-3">
        {left !== null && (
          <p class="flex items-center justify-center gap-1.5 text-sm text-soft">
            <Icon name="clock" class="size-4" />
            {words.priceHolds} <span class="font-semibold text-ink tabular-nums">{format.clock(left)}</span>
          </p>
        )}
        {action.problem && (
          <Notice tone="bad" urgent>
            {action.problem.text}
          </Notice>
        )}
        <Button
          busy={action.busy || left === 0}
          onPress={() =>
            void action.run(
              () => api.acceptPrice(offer.offer_id),
              (next) => next,
            )
          }
        >
          {words.newPriceAccept}
        </Button>
        <CancelPayment scene={scene} />
      </div>
    </>
  )
}

function Comparison({ before, now }: { before: Price; now: Price }) {
  const { words, format } = usePaymentSpeech()
  const { symbol } = now.token
  const direction = compare(now.token.amount, before.token.amount)
  const [high, low] = direction >= 0 ? [now, before] : [before, now]
  const difference = format.token({ amount: subtract(high.token.amount, low.token.amount), symbol })
  return (
    <>
      <dl class="grid grid-cols-2 gap-4 tabular-nums">
        <div>
          <dt class="text-sm text-soft">{words.newPriceBefore}</dt>
          <dd class="text-soft line-through">{format.token(before.token)}</dd>
        </div>
        <div>
          <dt class="text-sm text-soft">{words.newPriceNow}</dt>
          <dd class="font-semibold">{format.token(now.token)}</dd>
        </div>
      </dl>
      <p class="mt-2 text-sm" role="status">
        {direction === 0 && words.newPriceSame}
        {direction > 0 && words.newPriceMore(difference)}
        {direction < 0 && words.newPriceLess(difference)}
      </p>
    </>
  )
}
