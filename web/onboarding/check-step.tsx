import { useRef, useState } from 'preact/hooks'
import type { OnboardingPart } from '../../src/hosted/onboarding-wire.ts'
import { Button, focusFirstInvalid, Notice } from '../shared/controls.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { Icon } from '../shared/icons.tsx'
import { Progress } from '../shared/progress.tsx'
import { SummaryBlock, SummaryValues } from '../shared/summary-block.tsx'
import type { Problem } from '../shared/use-action.ts'
import type { StepProps } from './onboarding-page.tsx'
import {
  choiceText,
  documentName,
  partName,
  problemText,
  type Scene,
  useOnboardingAction,
  useOnboardingSpeech,
} from './scene.ts'
import { Sign, useSignature } from './sign.tsx'
import { fieldsOf, type OnboardingStep } from './steps.ts'

export function CheckStep({ scene, screen }: StepProps) {
  const { words } = useOnboardingSpeech()
  const { view, api, go } = scene
  const form = useRef<HTMLFormElement>(null)
  const signature = useSignature()
  const [tried, setTried] = useState(false)
  const action = useOnboardingAction(scene)

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (action.busy) return
    setTried(true)
    if (!signature.isWhole) return focusFirstInvalid(form.current)
    const sent = await action.run(
      () => api.submit({ signature: signature.name.trim(), declare: true }),
      (next) => next,
    )
    if (!sent) focusFirstInvalid(form.current)
  }
  return (
    <form ref={form} noValidate onSubmit={submit}>
      <Progress step={screen.number} steps={screen.steps.length} />
      <StepHeading page={view.brand.name}>{words.checkTitle}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{words.checkIntro}</p>
      <div class="space-y-4">
        {(['work', 'funds', 'use', 'status'] as const).map((step) => (
          <SummaryBlock key={step} title={stepName(words, scene, step)} onChange={() => go(step)}>
            <Values scene={scene} step={step} />
            {step === 'funds' && <Papers scene={scene} />}
          </SummaryBlock>
        ))}
        <Sign scene={scene} signature={signature} tried={tried} answer={action.problem} />
        <Refusals scene={scene} problem={action.problem} />
        <Button type="submit" busy={action.busy}>
          {words.send}
        </Button>
      </div>
    </form>
  )
}

type Words = ReturnType<typeof useOnboardingSpeech>['words']

export function stepName(words: Words, { view }: Pick<Scene, 'view'>, step: OnboardingStep): string {
  return view.customer_type === 'company' && step === 'work' ? words.company_step_work : words[`step_${step}`]
}

function Values({ scene, step }: { scene: Scene; step: OnboardingStep }) {
  const speech = useOnboardingSpeech()
  const { view } = scene
  const currency = view.data.income_currency ?? 'EUR'
  const values = fieldsOf(step, view)
    // The range names its currency.
    .filter((field) => view.data[field] && field !== 'income_currency')
    .map((field) => ({
      name: partName(speech.words, view, field),
      value: choiceText(speech, field, view.data[field]!, currency),
    }))
  return <SummaryValues values={values} />
}

function Papers({ scene }: { scene: Scene }) {
  const { words } = useOnboardingSpeech()
  return (
    <ul class="mt-3 space-y-1 border-t border-line pt-3 text-[0.9375rem]">
      {scene.view.documents.map(({ id, type, name }) => (
        <li key={id} class="flex items-center gap-2">
          <Icon name="check" class="size-4 text-good" />
          <span class="min-w-0 truncate">
            {documentName(words, type)} <span class="text-soft">· {name}</span>
          </span>
        </li>
      ))}
    </ul>
  )
}

/** Everything the server found when the form was sent, by name. */
export function Refusals({ scene, problem }: { scene: Scene; problem: Problem | null }) {
  const { words } = useOnboardingSpeech()
  if (!problem) return null
  return (
    <Notice tone="bad" title={problem.text} urgent>
      <ul>
        {Object.entries(problem.errors).map(([part, [code]]) => (
          <li key={part}>
            {partName(words, scene.view, part as OnboardingPart)}: {problemText(words, code as 'invalid')}
          </li>
        ))}
      </ul>
    </Notice>
  )
}
