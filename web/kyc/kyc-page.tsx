import { useEffect, useMemo } from 'preact/hooks'
import { Bones } from '../shared/boot.tsx'
import { Frame } from '../shared/frame.tsx'
import { LonelyMessage } from '../shared/lonely-message.tsx'
import { useStepInAddress } from '../shared/step-in-address.ts'
import { useLive } from '../shared/use-live.ts'
import { useSettled } from '../shared/words.tsx'
import { kycApi } from './api.ts'
import { Aside } from './aside.tsx'
import { CheckStep } from './check-step.tsx'
import { DataStep } from './data-step.tsx'
import { useDraft } from './draft.ts'
import { MendScreen } from './mend-screen.tsx'
import { OutcomeScreen } from './outcome-screen.tsx'
import { PhotoStep } from './photo-step.tsx'
import { type Scene, useKycSpeech } from './scene.ts'
import { isFinal, type KycScreen, type KycStep, kycScreenOf } from './steps.ts'

export function KycPage() {
  const { words } = useKycSpeech()
  const api = useMemo(() => kycApi(new URL(location.href)), [])
  const { view, failure, offline, live } = useLive({ open: api.open, path: api.path, isFinal })
  const { wanted, go, pin } = useStepInAddress<KycStep>()
  const draft = useDraft(view, api.token)
  const settled = useSettled(view)
  const shown = view && kycScreenOf(view, wanted)
  const step = shown?.kind === 'step' ? shown.step : null
  useEffect(() => {
    // Without this the last photo's arrival would turn the page before anyone has looked at it.
    if (step && step !== wanted) pin(step)
  }, [step])

  if (failure) {
    const missing = failure.httpStatus === 404
    return (
      <LonelyMessage
        title={missing ? words.notFoundTitle : words.brokenTitle}
        text={missing ? words.notFoundText : failure.message}
      />
    )
  }
  if (!view && offline)
    return <LonelyMessage icon="offline" title={words.offlineTitle} text={words.offline} />
  if (!view || !settled) return <Bones />
  const scene: Scene = { view, live, api, draft, go }
  const screen = kycScreenOf(view, wanted)
  return (
    <Frame view={view} offline={offline} aside={<Aside scene={scene} screen={screen} />}>
      {/* A new key for each screen: its heading then takes the focus. */}
      <div key={screen.kind === 'step' ? screen.step : screen.kind} class="appear">
        <ScreenBody scene={scene} screen={screen} />
      </div>
    </Frame>
  )
}

export interface StepProps {
  scene: Scene
  screen: KycScreen & { kind: 'step' }
}

function ScreenBody({ scene, screen }: { scene: Scene; screen: KycScreen }) {
  if (screen.kind === 'mend') return <MendScreen scene={scene} />
  if (screen.kind !== 'step') return <OutcomeScreen scene={scene} outcome={screen.kind} />
  if (screen.step === 'check') return <CheckStep scene={scene} screen={screen} />
  if (screen.step === 'photos' || screen.step === 'face') return <PhotoStep scene={scene} screen={screen} />
  return <DataStep scene={scene} screen={screen} />
}
