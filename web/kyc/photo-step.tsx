import { useState } from 'preact/hooks'
import type { PhotoKind } from '../../src/hosted/wire.ts'
import { Button, Notice, TextButton } from '../shared/controls.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { Progress } from '../shared/progress.tsx'
import type { StepProps } from './kyc-page.tsx'
import { PhotoSlot } from './photo-slot.tsx'
import { useKycSpeech } from './scene.ts'
import { hasPhoto, photosNeeded, stepBeside } from './steps.ts'

export function PhotoStep({ scene, screen }: StepProps) {
  const { words } = useKycSpeech()
  const { view, go } = scene
  const step = screen.step as 'photos' | 'face'
  const kinds: PhotoKind[] = step === 'face' ? ['face_image'] : photosNeeded(view)
  const [tried, setTried] = useState(false)
  const missing = kinds.filter((kind) => !hasPhoto(view, kind))
  return (
    <>
      <Progress step={screen.number} steps={screen.steps.length} />
      <StepHeading page={view.brand.name}>{words[`${step}Title`]}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">
        {words[`${step}Intro`]} <span class="max-lg:hidden">{words.phoneBetter}</span>
      </p>
      <div class="space-y-5">
        {kinds.map((kind) => (
          <PhotoSlot key={kind} scene={scene} kind={kind} missing={tried && missing.includes(kind)} />
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
            if (missing.length === 0) go(stepBeside(view, step, 1))
          }}
        >
          {words.continue}
        </Button>
        <div class="text-center">
          <TextButton quiet onPress={() => go(stepBeside(view, step, -1))}>
            {words.back}
          </TextButton>
        </div>
      </div>
    </>
  )
}
