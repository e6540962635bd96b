import { useMemo } from 'preact/hooks'
import { Bones } from '../shared/boot.tsx'
import type { CallError } from '../shared/call.ts'
import { Frame } from '../shared/frame.tsx'
import { LonelyMessage } from '../shared/lonely-message.tsx'
import { useStepInAddress } from '../shared/step-in-address.ts'
import { useLive } from '../shared/use-live.ts'
import { useSettled } from '../shared/words.tsx'
import { entryOf, type PaymentApi, paymentApi } from './api.ts'
import { ConfirmingScreen } from './confirming-screen.tsx'
import { DeliveryScreen } from './delivery-screen.tsx'
import { EndScreen } from './end-screen.tsx'
import { MethodStep } from './method-step.tsx'
import { NewPriceScreen } from './new-price-screen.tsx'
import { PayStep } from './pay-step.tsx'
import { ReviewStep } from './review-step.tsx'
import { type Scene, usePaymentSpeech } from './scene.ts'
import { isFinal, type Screen, type Step, screenOf } from './steps.ts'
import { Summary } from './summary.tsx'
import { TransferScreen, TransferWaitingScreen } from './transfer-screen.tsx'
import { ViewerScreen } from './viewer-screen.tsx'
import { WalletStep } from './wallet-step.tsx'

export function PaymentPage() {
  const api = useMemo(openedHere, [])
  const { view, viewAt, failure, offline, live } = useLive({ open: api.open, path: api.path, isFinal })
  const { wanted, go } = useStepInAddress<Step>()
  const settled = useSettled(view)
  const { words } = usePaymentSpeech()

  if (failure) return <NoPayment failure={failure} />
  if (!view && offline)
    return <LonelyMessage icon="offline" title={words.offlineTitle} text={words.offline} />
  if (!view || !settled) return <Bones />
  const scene: Scene = { view, viewAt, live, api, go }
  const screen = screenOf(view, wanted)
  return (
    <Frame view={view} offline={offline} aside={<Summary scene={scene} screen={screen} />}>
      {/* A new key for each screen: its heading then takes the focus. */}
      <div key={keyOf(screen)} class="appear">
        <ScreenBody scene={scene} screen={screen} />
      </div>
    </Frame>
  )
}

function ScreenBody({ scene, screen }: { scene: Scene; screen: Screen }) {
  switch (screen.kind) {
    case 'viewer':
      return <ViewerScreen scene={scene} />
    case 'new_price':
      return <NewPriceScreen scene={scene} />
    case 'confirming':
      return <ConfirmingScreen scene={scene} />
    case 'transfer':
      return <TransferScreen scene={scene} />
    case 'transfer_waiting':
      return <TransferWaitingScreen scene={scene} />
    case 'delivery':
      return <DeliveryScreen scene={scene} />
    case 'end':
      return <EndScreen scene={scene} end={screen.end} />
    case 'step':
      return <StepBody scene={scene} screen={screen} />
  }
}

function StepBody(props: { scene: Scene; screen: Screen & { kind: 'step' } }) {
  switch (props.screen.step) {
    case 'review':
      return <ReviewStep {...props} />
    case 'method':
      return <MethodStep {...props} />
    case 'wallet':
      return <WalletStep {...props} />
    case 'pay':
      return <PayStep {...props} />
  }
}

function keyOf(screen: Screen): string {
  if (screen.kind === 'step') return screen.step
  return screen.kind === 'end' ? screen.end : screen.kind
}

/** Reads the address once, and takes the hand-over's secret out of it before anything else happens. */
function openedHere(): PaymentApi {
  const entry = entryOf(new URL(location.href))
  if (entry.kind === 'payment' && entry.handover) history.replaceState(null, '', location.pathname)
  return paymentApi(entry)
}

function NoPayment({ failure }: { failure: CallError }) {
  const { words } = usePaymentSpeech()
  if (failure.code === 'handover_expired') {
    return (
      <LonelyMessage title={words.handoverExpiredTitle} text={words.handoverExpiredText}>
        <button type="button" class="button button-main" onClick={() => location.reload()}>
          {words.openHere}
        </button>
      </LonelyMessage>
    )
  }
  if (failure.code === 'payment_not_found' || failure.httpStatus === 404) {
    return <LonelyMessage title={words.notFoundTitle} text={words.notFoundText} />
  }
  return (
    <LonelyMessage title={words.brokenTitle} text={failure.message}>
      <button type="button" class="button button-main" onClick={() => location.reload()}>
        {words.reload}
      </button>
    </LonelyMessage>
  )
}
