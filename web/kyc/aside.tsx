import { FormAside } from '../shared/form-aside.tsx'
import { type Scene, useKycSpeech } from './scene.ts'
import type { KycScreen } from './steps.ts'

/** Why this is asked, and on wide screens how far along it is. */
export function Aside({ scene: { view }, screen }: { scene: Scene; screen: KycScreen }) {
  const { words } = useKycSpeech()
  const isStep = screen.kind === 'step'
  return (
    <FormAside
      title={words.verification}
      intro={words.intro(view.brand.name)}
      safe={words.safe}
      steps={isStep ? screen.steps.map((step) => words[`step_${step}`]) : []}
      now={isStep ? screen.number : 0}
      fillable={isStep || screen.kind === 'mend'}
      pageUrl={view.page_url}
    />
  )
}
