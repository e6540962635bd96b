import { useEffect, useMemo } from 'preact/hooks'
import type { CompanyField } from '../../src/hosted/kyb-wire.ts'
import { Bones } from '../shared/boot.tsx'
import { useDraft } from '../shared/draft.ts'
import { FormAside } from '../shared/form-aside.tsx'
import { Frame } from '../shared/frame.tsx'
import { LonelyMessage } from '../shared/lonely-message.tsx'
import { Outcome, type OutcomeKind } from '../shared/outcome.tsx'
import { useStepInAddress } from '../shared/step-in-address.ts'
import { useLive } from '../shared/use-live.ts'
import { useSettled } from '../shared/words.tsx'
import { kybApi } from './api.ts'
import { CheckStep } from './check-step.tsx'
import { CompanyStep } from './company-step.tsx'
import { MendScreen } from './mend-screen.tsx'
import { PapersStep } from './papers-step.tsx'
import { PasswordScreen } from './password-screen.tsx'
import { PeopleStep } from './people-step.tsx'
import { PersonScreen } from './person-screen.tsx'
import { PhotosScreen } from './photos-screen.tsx'
import { partName, problemText, type Scene, useKybSpeech } from './scene.ts'
import { allSteps, isFinal, type KybScreen, kybScreenOf } from './steps.ts'

export function KybPage() {
  const { words } = useKybSpeech()
  const api = useMemo(() => kybApi(new URL(location.href)), [])
  const { view, failure, offline, live } = useLive({ open: api.open, path: api.path, isFinal })
  const { wanted, go, pin } = useStepInAddress<string>()
  const draft = useDraft<CompanyField>(`kyb:${api.token}`, (field) => view?.company[field] ?? '')
  const settled = useSettled(view)
  const shown = view && kybScreenOf(view, wanted)
  const step = shown?.kind === 'step' ? shown.step : null
  useEffect(() => {
    // Without this the last paper's arrival would turn the page before anyone has looked at it.
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
  const screen = kybScreenOf(view, wanted)
  return (
    <Frame view={view} offline={offline} aside={<Aside scene={scene} screen={screen} />}>
      {/* A new key for each screen: its heading then takes the focus, and what was marked before is forgotten. */}
      <div key={keyOf(screen)} class="appear">
        <ScreenBody scene={scene} screen={screen} />
      </div>
    </Frame>
  )
}

function keyOf(screen: KybScreen): string {
  if (screen.kind === 'step') return screen.step
  return 'id' in screen ? `${screen.kind}-${screen.id}` : screen.kind
}

export interface StepProps {
  scene: Scene
  screen: KybScreen & { kind: 'step' }
}

function ScreenBody({ scene, screen }: { scene: Scene; screen: KybScreen }) {
  switch (screen.kind) {
    case 'password':
      return <PasswordScreen scene={scene} />
    case 'mend':
      return <MendScreen scene={scene} />
    case 'person':
      return <PersonScreen scene={scene} id={screen.id} />
    case 'photos':
      return <PhotosScreen scene={scene} id={screen.id} />
    case 'step':
      return <StepBody scene={scene} screen={screen} />
    default:
      return <OutcomeScreen scene={scene} outcome={screen.kind} />
  }
}

function StepBody({ scene, screen }: StepProps) {
  if (screen.step === 'papers') return <PapersStep scene={scene} screen={screen} />
  if (screen.step === 'people') return <PeopleStep scene={scene} screen={screen} />
  if (screen.step === 'check') return <CheckStep scene={scene} screen={screen} />
  return <CompanyStep scene={scene} screen={screen} step={screen.step} />
}

/** Why this is asked, and on wide screens how far along it is. */
function Aside({ scene: { view }, screen }: { scene: Scene; screen: KybScreen }) {
  const { words } = useKybSpeech()
  const inPeople = (screen.kind === 'person' || screen.kind === 'photos') && view.phase === 'form'
  const now = screen.kind === 'step' ? screen.number : inPeople ? allSteps.indexOf('people') + 1 : 0
  return (
    <FormAside
      title={words.verification}
      intro={words.intro(view.brand.name)}
      safe={words.safe}
      steps={now > 0 ? allSteps.map((step) => words[`company_step_${step}`]) : []}
      now={now}
      fillable={view.phase === 'form' || view.phase === 'mend'}
      pageUrl={view.page_url}
    />
  )
}

function OutcomeScreen({ scene: { view }, outcome }: { scene: Scene; outcome: OutcomeKind }) {
  const { words } = useKybSpeech()
  const merchant = view.brand.name
  const text = outcome === 'expired' ? words.expiredText(merchant) : words[`${outcome}Text`]
  return (
    <Outcome
      outcome={outcome}
      title={words[`${outcome}Title`]}
      texts={outcome === 'fail' ? [text, words.failAgain(merchant)] : [text]}
      reasons={(outcome === 'fail' ? view.reasons : []).map(({ field, code, text: spare }) => ({
        part: field && partName(words, view, field),
        text: problemText(words, view, code, spare),
      }))}
      merchant={merchant}
      callbackUrl={view.callback_url}
    />
  )
}
