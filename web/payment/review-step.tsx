import { Button, Notice } from '../shared/controls.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { Progress } from '../shared/progress.tsx'
import { CancelPayment } from './cancel-payment.tsx'
import { type Scene, usePaymentSpeech } from './scene.ts'
import { type Screen, stepAfter } from './steps.ts'
import { Breakdown } from './summary.tsx'

export interface StepProps {
  scene: Scene
  screen: Screen & { kind: 'step' }
}

export function ReviewStep({ scene, screen }: StepProps) {
  const { words } = usePaymentSpeech()
  const { view, go } = scene
  return (
    <>
      <Progress step={screen.number} steps={screen.steps.length} />
      <StepHeading page={view.brand.name}>{words.reviewTitle}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{words.reviewIntro}</p>
      <div class="card p-5">
        <Breakdown price={view.price} />
      </div>
      {view.price.kind === 'estimate' && (
        <div class="mt-4">
          <Notice tone="info">{words.estimate}</Notice>
        </div>
      )}
      <div class="mt-6 space-y-2">
        <Button onPress={() => go(stepAfter(view, 'review'))}>{words.continue}</Button>
        <CancelPayment scene={scene} />
      </div>
    </>
  )
}
