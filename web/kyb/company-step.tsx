import { useRef } from 'preact/hooks'
import type { CompanyField, CompanyRequest } from '../../src/hosted/kyb-wire.ts'
import { Button, focusFirstInvalid, Notice, TextButton } from '../shared/controls.tsx'
import { StepHeading, TestValue, TestValues } from '../shared/frame.tsx'
import { Icon } from '../shared/icons.tsx'
import { Progress } from '../shared/progress.tsx'
import { CompanyFields, useCompanyProblems } from './fields.tsx'
import type { StepProps } from './kyb-page.tsx'
import { type Scene, useKybAction, useKybSpeech } from './scene.ts'
import { allSteps, fieldsByStep, stepBeside } from './steps.ts'

/** What the company is, then what it does and where: a step of typed fields, saved on going on. */
export function CompanyStep({ scene, screen, step }: StepProps & { step: 'company' | 'business' }) {
  const { words } = useKybSpeech()
  const { view, draft, api, go } = scene
  const fields = fieldsByStep[step]
  const form = useRef<HTMLFormElement>(null)
  const action = useKybAction(scene)
  const problems = useCompanyProblems(scene, fields, action.problem)

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (action.busy) return
    if (problems.showAll()) return focusFirstInvalid(form.current)
    const saved = await action.run(
      () => api.saveCompany(typedOf(scene, fields)),
      (next) => next,
    )
    if (!saved) return focusFirstInvalid(form.current)
    draft.forget(fields)
    go(stepBeside(step, 1))
  }
  return (
    <form ref={form} noValidate onSubmit={submit}>
      <Progress step={screen.number} steps={allSteps.length} />
      <StepHeading page={view.brand.name}>{words[`${step}Title`]}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{words[`${step}Intro`]}</p>
      {step === 'company' && <HaveReady />}
      <div class="space-y-5">
        <TestData scene={scene} fields={fields} />
        <CompanyFields scene={scene} fields={fields} problems={problems} />
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
        {step !== 'company' && (
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

export function typedOf({ draft }: Scene, fields: readonly CompanyField[]): CompanyRequest {
  return Object.fromEntries(fields.map((field) => [field, draft.get(field).trim()]))
}

function HaveReady() {
  const { words } = useKybSpeech()
  return (
    <section class="mb-6 rounded-xl bg-side px-4 py-3.5 text-[0.9375rem]">
      <h2 class="font-semibold">{words.needTitle}</h2>
      <ul class="mt-1.5 space-y-1 text-soft">
        <li class="flex items-start gap-2">
          <Icon name="upload" class="mt-0.5 size-5" />
          {words.needPapers}
        </li>
        <li class="flex items-start gap-2">
          <Icon name="id" class="mt-0.5 size-5" />
          {words.needPeople}
        </li>
      </ul>
    </section>
  )
}

/** In the sandbox: data that pass every check, on tap. */
function TestData({ scene, fields }: { scene: Scene; fields: readonly CompanyField[] }) {
  const { words } = useKybSpeech()
  const values = scene.view.sandbox?.company
  if (!values) return null
  const fill = () => {
    for (const field of fields) {
      const value = values[field]
      if (value !== undefined) scene.draft.set(field, value)
    }
  }
  return (
    <TestValues>
      <TestValue onPress={fill}>{words.fillTest}</TestValue>
    </TestValues>
  )
}
