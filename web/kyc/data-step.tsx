import { useRef } from 'preact/hooks'
import type { KycDataRequest, KycField } from '../../src/hosted/wire.ts'
import { Button, focusFirstInvalid, Notice, TextButton } from '../shared/controls.tsx'
import { StepHeading, TestValue, TestValues } from '../shared/frame.tsx'
import { Icon } from '../shared/icons.tsx'
import { Progress } from '../shared/progress.tsx'
import { KycFields, useFieldProblems } from './fields.tsx'
import type { StepProps } from './kyc-page.tsx'
import { type Scene, useKycAction, useKycSpeech } from './scene.ts'
import { fieldsOf, type KycStep, stepBeside } from './steps.ts'

/** Who you are, where you live, which document: a step of typed fields, saved when the customer goes on. */
export function DataStep({ scene, screen }: StepProps) {
  const { words } = useKycSpeech()
  const { view, draft, api, go } = scene
  const step = screen.step as 'person' | 'home' | 'document'
  const fields = fieldsOf(step, view)
  const form = useRef<HTMLFormElement>(null)
  const action = useKycAction(scene)
  const problems = useFieldProblems(scene, fields, action.problem)

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (action.busy) return
    if (problems.showAll()) return focusFirstInvalid(form.current)
    const saved = await action.run(
      () => api.save(typedOf(scene, fields)),
      (next) => next,
    )
    if (!saved) return focusFirstInvalid(form.current)
    draft.forget(fields)
    go(stepBeside(saved, step, 1))
  }
  return (
    <form ref={form} noValidate onSubmit={submit}>
      <Progress step={screen.number} steps={screen.steps.length} />
      <StepHeading page={view.brand.name}>{words[`${step}Title`]}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{words[`${step}Intro`]}</p>
      {screen.number === 1 && <HaveReady />}
      <div class="space-y-5">
        <TestData scene={scene} fields={fields} />
        <KycFields scene={scene} fields={fields} problems={problems} />
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
            <TextButton quiet onPress={() => go(stepBeside(view, step as KycStep, -1))}>
              {words.back}
            </TextButton>
          </div>
        )}
      </div>
    </form>
  )
}

export function typedOf({ draft }: Scene, fields: readonly KycField[]): KycDataRequest {
  return Object.fromEntries(fields.map((field) => [field, draft.get(field).trim()]))
}

function HaveReady() {
  const { words } = useKycSpeech()
  return (
    <section class="mb-6 rounded-xl bg-side px-4 py-3.5 text-[0.9375rem] lg:hidden">
      <h2 class="font-semibold">{words.needTitle}</h2>
      <ul class="mt-1.5 space-y-1 text-soft">
        <li class="flex items-center gap-2">
          <Icon name="id" />
          {words.needDocument}
        </li>
        <li class="flex items-center gap-2">
          <Icon name="camera" />
          {words.needCamera}
        </li>
      </ul>
    </section>
  )
}

/** In the sandbox: data that pass every check, on tap. */
export function TestData({ scene, fields }: { scene: Scene; fields: readonly KycField[] }) {
  const { words } = useKycSpeech()
  const values = scene.view.sandbox?.data
  if (!values) return null
  const fill = () => {
    for (const field of fields) {
      const value = field === 'email' ? undefined : values[field]
      if (value !== undefined) scene.draft.set(field, value)
    }
  }
  return (
    <TestValues>
      <TestValue onPress={fill}>{words.fillTest}</TestValue>
    </TestValues>
  )
}
