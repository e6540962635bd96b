import { useEffect, useMemo } from 'preact/hooks'
import type { OnboardingField } from '../../src/hosted/onboarding-wire.ts'
import { Bones } from '../shared/boot.tsx'
import { useDraft } from '../shared/draft.ts'
import { FormAside } from '../shared/form-aside.tsx'
import { Frame } from '../shared/frame.tsx'
import { LonelyMessage } from '../shared/lonely-message.tsx'
import { Outcome } from '../shared/outcome.tsx'
import { useStepInAddress } from '../shared/step-in-address.ts'
import { useLive } from '../shared/use-live.ts'
import { useSettled } from '../shared/words.tsx'
import { onboardingApi } from './api.ts'
import { CheckStep, stepName } from './check-step.tsx'
import { DataStep } from './data-step.tsx'
import { MendScreen } from './mend-screen.tsx'
import { partName, problemText, type Scene, useOnboardingSpeech } from './scene.ts'
import { isFinal, type OnboardingScreen, type OnboardingStep, onboardingScreenOf } from './steps.ts'

export function OnboardingPage() {
  const { words } = useOnboardingSpeech()
  const api = useMemo(() => onboardingApi(new URL(location.href)), [])
  const { view, failure, offline, live } = useLive({ open: api.open, path: api.path, isFinal })
  const { wanted, go, pin } = useStepInAddress<OnboardingStep>()
  const draft = useDraft<OnboardingField>(`onboarding:${api.token}`, (field) => view?.data[field] ?? '')
  const settled = useSettled(view)
  const shown = view && onboardingScreenOf(view, wanted)
  const step = shown?.kind === 'step' ? shown.step : null
  useEffect(() => {
    // Without this the first document's arrival would turn the page before anyone has looked at it.
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
  const screen = onboardingScreenOf(view, wanted)
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
  screen: OnboardingScreen & { kind: 'step' }
}

function ScreenBody({ scene, screen }: { scene: Scene; screen: OnboardingScreen }) {
  if (screen.kind === 'mend') return <MendScreen scene={scene} />
  if (screen.kind !== 'step') return <OutcomeScreen scene={scene} outcome={screen.kind} />
  if (screen.step === 'check') return <CheckStep scene={scene} screen={screen} />
  // A new key for each step: what was marked in one says nothing about the next.
  return <DataStep key={screen.step} scene={scene} screen={screen} />
}

function Aside({ scene, screen }: { scene: Scene; screen: OnboardingScreen }) {
  const { words } = useOnboardingSpeech()
  const { view } = scene
  const isStep = screen.kind === 'step'
  return (
    <FormAside
      title={words.verification}
      intro={words.intro(view.brand.name)}
      safe={words.safe}
      steps={isStep ? screen.steps.map((step) => stepName(words, scene, step)) : []}
      now={isStep ? screen.number : 0}
      fillable={isStep || screen.kind === 'mend'}
      pageUrl={view.page_url}
    />
  )
}

type OutcomeKind = Exclude<OnboardingScreen['kind'], 'step' | 'mend'>

function OutcomeScreen({ scene: { view }, outcome }: { scene: Scene; outcome: OutcomeKind }) {
  const { words } = useOnboardingSpeech()
  const merchant = view.brand.name
  const text = outcome === 'expired' ? words.expiredText(merchant) : words[`${outcome}Text`]
  // That the customer as a whole is refused is what the title says.
  const reasons = outcome === 'fail' ? view.reasons.filter(({ code }) => code !== 'not_accepted') : []
  return (
    <Outcome
      outcome={outcome}
      title={words[`${outcome}Title`]}
      texts={outcome === 'fail' ? [text, words.failAgain(merchant)] : [text]}
      reasons={reasons.map(({ field, code, text: spare }) => ({
        part: field && partName(words, view, field),
        text: problemText(words, code, spare),
      }))}
      merchant={merchant}
      callbackUrl={view.callback_url}
    />
  )
}
