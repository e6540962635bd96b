import { useRef, useState } from 'preact/hooks'
import type { OnboardingDataRequest, OnboardingField } from '../../src/hosted/onboarding-wire.ts'
import { Button, focusFirstInvalid, Notice, TextButton } from '../shared/controls.tsx'
import { StepHeading, TestValue, TestValues } from '../shared/frame.tsx'
import { Icon } from '../shared/icons.tsx'
import { Progress } from '../shared/progress.tsx'
import { Documents } from './documents.tsx'
import { OnboardingFields, useProblems } from './fields.tsx'
import type { StepProps } from './onboarding-page.tsx'
import { type Scene, useOnboardingAction, useOnboardingSpeech } from './scene.ts'
import { fieldsOf, type OnboardingStep, stepBeside } from './steps.ts'

/** One step of the declaration, saved when the customer goes on; the source of funds with its documents. */
export function DataStep({ scene, screen }: StepProps) {
  const { words } = useOnboardingSpeech()
  const { view, draft, api, go } = scene
  const step = screen.step as Exclude<OnboardingStep, 'check'>
  const fields = fieldsOf(step, view, draft.get)
  const form = useRef<HTMLFormElement>(null)
  const [tried, setTried] = useState(false)
  const action = useOnboardingAction(scene)
  const problems = useProblems(scene, fields, action.problem)
  const lacks = step === 'funds' && view.documents.length === 0
  const company = view.customer_type === 'company'

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (action.busy) return
    setTried(true)
    if (problems.showAll()) return focusFirstInvalid(form.current)
    const saved = await action.run(
      () => api.save(typedOf(scene, fields)),
      (next) => next,
    )
    if (!saved) return focusFirstInvalid(form.current)
    draft.forget(fields)
    if (!lacks) go(stepBeside(step, 1))
  }
  return (
    <form ref={form} noValidate onSubmit={submit}>
      <Progress step={screen.number} steps={screen.steps.length} />
      <StepHeading page={view.brand.name}>
        {company && step === 'work' ? words.company_workTitle : words[`${step}Title`]}
      </StepHeading>
      <p class="mt-1.5 mb-6 text-soft">
        {company && step === 'work' ? words.company_workIntro : words[`${step}Intro`]}
      </p>
      {screen.number === 1 && <HaveReady />}
      <div class="space-y-5">
        <TestData scene={scene} step={step} />
        <OnboardingFields scene={scene} fields={fields} problems={problems} />
        {step === 'funds' && (
          <div class="border-t border-line pt-5">
            <Documents scene={scene} missing={tried && lacks} />
          </div>
        )}
        {action.problem && (
          <Notice tone="bad" urgent>
            {action.problem.text}
          </Notice>
        )}
      </div>
      <div class="mt-7 space-y-2">
        <Button type="submit" busy={action.busy}>
          {words.continue}
        </Button>
        {screen.number > 1 && (
          <div class="text-center">
            <TextButton quiet onPress={() => go(stepBeside(step, -1))}>
              {words.back}
            </TextButton>
          </div>
        )}
      </div>
    </form>
  )
}

export function typedOf({ draft }: Scene, fields: readonly OnboardingField[]): OnboardingDataRequest {
  return Object.fromEntries(fields.map((field) => [field, draft.get(field).trim()]))
}

function HaveReady() {
  const { words } = useOnboardingSpeech()
  return (
    <section class="mb-6 rounded-xl bg-side px-4 py-3.5 text-[0.9375rem] lg:hidden">
      <h2 class="font-semibold">{words.needTitle}</h2>
      <p class="mt-1.5 flex items-start gap-2 text-soft">
        <Icon name="upload" class="mt-0.5 size-4.5" />
        {words.needDocuments}
      </p>
    </section>
  )
}

/** In the sandbox: data that pass every check, on tap. */
function TestData({ scene: { view, draft }, step }: { scene: Scene; step: OnboardingStep }) {
  const { words } = useOnboardingSpeech()
  const values = view.sandbox?.data
  if (!values) return null
  const fill = () => {
    const read = (field: OnboardingField) => values[field] ?? draft.get(field)
    for (const field of fieldsOf(step, view, read)) {
      const value = values[field]
      if (value !== undefined) draft.set(field, value)
    }
  }
  return (
    <TestValues>
      <TestValue onPress={fill}>{words.fillTest}</TestValue>
    </TestValues>
  )
}
