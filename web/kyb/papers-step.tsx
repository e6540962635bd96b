import { useState } from 'preact/hooks'
import { Button, Notice, TextButton } from '../shared/controls.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { Progress } from '../shared/progress.tsx'
import type { StepProps } from './kyb-page.tsx'
import { PaperSlot } from './paper-slot.tsx'
import { useKybSpeech } from './scene.ts'
import { allSteps, hasPaper, papers, stepBeside } from './steps.ts'

export function PapersStep({ scene, screen }: StepProps) {
  const { words } = useKybSpeech()
  const { view, go } = scene
  const [tried, setTried] = useState(false)
  const missing = papers.filter((kind) => !hasPaper(view, kind))
  return (
    <>
      <Progress step={screen.number} steps={allSteps.length} />
      <StepHeading page={view.brand.name}>{words.papersTitle}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{words.papersIntro}</p>
      <div class="space-y-4">
        {papers.map((kind) => (
          <PaperSlot key={kind} scene={scene} kind={kind} missing={tried && missing.includes(kind)} />
        ))}
      </div>
      <div class="mt-7 space-y-2">
        {tried && missing.length > 0 && (
          <Notice tone="bad" urgent>
            {words.missingTitle}
          </Notice>
        )}
        <Button
          onPress={() => {
            setTried(true)
            if (missing.length === 0) go(stepBeside('papers', 1))
          }}
        >
          {words.continue}
        </Button>
        <div class="text-center">
          <TextButton quiet onPress={() => go(stepBeside('papers', -1))}>
            {words.back}
          </TextButton>
        </div>
      </div>
    </>
  )
}
