import { useState } from 'preact/hooks'
import { Button, Notice, TextButton } from '../shared/controls.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { Progress } from '../shared/progress.tsx'
import type { StepProps } from './kyb-page.tsx'
import { PeopleList } from './people-list.tsx'
import { useKybSpeech } from './scene.ts'
import { allSteps, peopleFault, stepBeside } from './steps.ts'

export function PeopleStep({ scene, screen }: StepProps) {
  const { words } = useKybSpeech()
  const { view, go } = scene
  const [tried, setTried] = useState(false)
  const fault = peopleFault(view)
  return (
    <>
      <Progress step={screen.number} steps={allSteps.length} />
      <StepHeading page={view.brand.name}>{words.peopleTitle}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{words.peopleIntro}</p>
      <PeopleList scene={scene} />
      <div class="mt-7 space-y-2">
        {tried && fault && (
          <Notice tone="bad" urgent>
            {words[`people_${fault}`]}
          </Notice>
        )}
        {view.people.length > 0 && (
          <Button
            onPress={() => {
              setTried(true)
              if (!fault) go(stepBeside('people', 1))
            }}
          >
            {words.continue}
          </Button>
        )}
        <div class="text-center">
          <TextButton quiet onPress={() => go(stepBeside('people', -1))}>
            {words.back}
          </TextButton>
        </div>
      </div>
    </>
  )
}
