import type { ComponentChildren } from 'preact'
import type { Delivery } from '../../src/hosted/wire.ts'
import { CopyButton } from '../shared/copy.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { Icon, Spinner } from '../shared/icons.tsx'
import { safeUrl } from '../shared/safe-url.ts'
import { BackToMerchant } from './back-to-merchant.tsx'
import { RefundWord } from './end-screen.tsx'
import { type Scene, usePaymentSpeech } from './scene.ts'

export function DeliveryScreen({ scene }: { scene: Scene }) {
  const { words, format } = usePaymentSpeech()
  const { view } = scene
  const { token } = view.price
  const done = view.status === 'coins_sent'
  const title = done ? words.deliveryDoneTitle : words.deliveryTitle
  return (
    <>
      <span class="mb-5 grid size-14 place-items-center rounded-full bg-good-back text-good">
        <Icon name="check" class="size-7" />
      </span>
      {/* Of another key, so that the arrival is a new heading, which takes the focus and is read out. */}
      <StepHeading key={title} page={view.brand.name}>
        {title}
      </StepHeading>
      <p class="mt-1.5 mb-6 text-soft">
        {done ? words.deliveryDoneText(format.token(token), token.chain_name) : words.deliveryText}
      </p>
      <div class="space-y-6">
        <RefundWord refund={view.refund} />
        {view.delivery && <Stages delivery={view.delivery} />}
        {view.delivery?.txid && <Transaction delivery={view.delivery} />}
        <BackToMerchant view={view} kind={done ? 'main' : 'plain'} />
      </div>
    </>
  )
}

function Stages({ delivery }: { delivery: Delivery }) {
  const { words, format } = usePaymentSpeech()
  const { state, confirmations, confirmations_needed: needed } = delivery
  const sent = state === 'confirming' || state === 'confirmed'
  const arrived = state === 'confirmed'
  return (
    <ol class="relative" aria-label={words.progress}>
      <Stage name={words.stagePaid} done>
        {format.dateTime(delivery.paid_at)}
      </Stage>
      <Stage
        name={sent ? words.stageSent : state === 'waiting' ? words.stageWaiting : words.stageSending}
        done={sent}
        now={!sent}
      >
        {delivery.sent_at && format.dateTime(delivery.sent_at)}
      </Stage>
      <Stage
        name={arrived ? words.stageConfirmed : words.stageConfirming}
        done={arrived}
        now={state === 'confirming'}
      >
        {confirmations !== null && needed !== null && sent && (
          <>
            {words.stageConfirmations(Math.min(confirmations, needed), needed)}
            {!arrived && (
              <progress class="bar mt-2" value={confirmations} max={needed}>
                {confirmations}
              </progress>
            )}
          </>
        )}
      </Stage>
      <Stage name={words.stageArrived} done={arrived} last>
        {delivery.confirmed_at && format.dateTime(delivery.confirmed_at)}
      </Stage>
    </ol>
  )
}

interface StageProps {
  name: string
  done?: boolean
  now?: boolean
  last?: boolean
  children?: ComponentChildren
}

function Stage({ name, done, now, last, children }: StageProps) {
  const { words } = usePaymentSpeech()
  const look = done ? 'bg-good text-page' : now ? 'bg-side text-brand-text' : 'bg-side text-soft'
  return (
    <li class={`flex gap-4 ${last ? '' : 'pb-6'}`} aria-current={now ? 'step' : undefined}>
      <span class="relative">
        <span class={`grid size-7 place-items-center rounded-full ${look}`}>
          {done && <Icon name="check" class="size-4" />}
          {now && <Spinner class="size-4" />}
        </span>
        {!last && (
          <span
            class={`absolute top-8 left-1/2 h-full w-0.5 -translate-x-1/2 rounded ${done ? 'bg-good' : 'bg-line'}`}
            aria-hidden="true"
          />
        )}
      </span>
      <div class="min-w-0 flex-1 pt-0.5">
        <p class={done || now ? 'font-medium' : 'text-soft'}>
          {name}
          {done && <span class="sr-only"> ({words.stepDone})</span>}
        </p>
        {children && <div class="text-sm text-soft tabular-nums">{children}</div>}
      </div>
    </li>
  )
}

function Transaction({ delivery }: { delivery: Delivery }) {
  const { words } = usePaymentSpeech()
  const explorer = safeUrl(delivery.explorer_url)
  return (
    <section class="card p-4" aria-label={words.transaction}>
      <div class="flex items-center justify-between gap-2">
        <h2 class="text-sm text-soft">{words.transaction}</h2>
        <CopyButton what={words.transaction} text={delivery.txid!} />
      </div>
      <p class="font-mono text-sm break-all">{delivery.txid}</p>
      {explorer && (
        <a class="link mt-1" href={explorer} target="_blank" rel="noreferrer">
          {words.explorer}
          <span class="sr-only"> ({words.opensNewTab})</span>
          <Icon name="external" class="size-4" />
        </a>
      )}
    </section>
  )
}
