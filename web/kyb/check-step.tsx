import { useRef, useState } from 'preact/hooks'
import type { CompanyField } from '../../src/hosted/kyb-wire.ts'
import { Button, focusFirstInvalid, Notice } from '../shared/controls.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { Icon } from '../shared/icons.tsx'
import { Progress } from '../shared/progress.tsx'
import { SummaryBlock, SummaryValues } from '../shared/summary-block.tsx'
import type { Problem } from '../shared/use-action.ts'
import { Declare, useDeclaration } from './declaration.tsx'
import type { StepProps } from './kyb-page.tsx'
import {
  companyTypeName,
  fullName,
  partName,
  problemText,
  rolesText,
  type Scene,
  useKybAction,
  useKybSpeech,
} from './scene.ts'
import { allSteps, fieldsByStep, papers } from './steps.ts'

/** Everything once more, and whoever answers for it. */
export function CheckStep({ scene, screen }: StepProps) {
  const { words, language } = useKybSpeech()
  const { view, api, go } = scene
  const form = useRef<HTMLFormElement>(null)
  const declaration = useDeclaration(view)
  const [tried, setTried] = useState(false)
  const action = useKybAction(scene)

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (action.busy) return
    setTried(true)
    if (!declaration.isWhole) return focusFirstInvalid(form.current)
    const sent = await action.run(
      () => api.submit(declaration.request()),
      (next) => next,
    )
    if (!sent) focusFirstInvalid(form.current)
  }
  return (
    <form ref={form} noValidate onSubmit={submit}>
      <Progress step={screen.number} steps={allSteps.length} />
      <StepHeading page={view.brand.name}>{words.checkTitle}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{words.checkIntro}</p>
      <div class="space-y-4">
        {(['company', 'business'] as const).map((step) => (
          <SummaryBlock key={step} title={words[`company_step_${step}`]} onChange={() => go(step)}>
            <Values scene={scene} fields={fieldsByStep[step]} />
          </SummaryBlock>
        ))}
        <SummaryBlock title={words.company_step_papers} onChange={() => go('papers')}>
          <Ticks items={papers.map((kind) => words[`company_field_${kind}`])} />
        </SummaryBlock>
        <SummaryBlock title={words.company_step_people} onChange={() => go('people')}>
          <Ticks
            items={view.people.map((person) =>
              [
                fullName(person),
                rolesText(words, language, person),
                person.is_politically_exposed && words.exposed,
              ]
                .filter(Boolean)
                .join(' · '),
            )}
          />
        </SummaryBlock>
        <Declare
          scene={scene}
          declaration={declaration}
          tried={tried}
          errors={action.problem?.errors ?? {}}
        />
        <Refusals scene={scene} problem={action.problem} />
        <Button type="submit" busy={action.busy}>
          {words.send}
        </Button>
      </div>
    </form>
  )
}

function Ticks({ items }: { items: string[] }) {
  return (
    <ul class="space-y-1 text-[0.9375rem]">
      {items.map((item) => (
        <li key={item} class="flex items-start gap-2">
          <Icon name="check" class="mt-1 size-4 text-good" />
          {item}
        </li>
      ))}
    </ul>
  )
}

function Values({ scene: { view }, fields }: { scene: Scene; fields: readonly CompanyField[] }) {
  const { words, format } = useKybSpeech()
  const text = (field: CompanyField, value: string): string => {
    if (field === 'country') return format.country(value)
    if (field === 'incorporation_date') return format.day(value)
    return value
  }
  const values = fields.flatMap((field) => {
    const value = view.company[field]
    // The number is named by its type.
    if (!value || field === 'identification_type') return []
    const type = field === 'identification_number' ? view.company.identification_type : null
    const name = type ? companyTypeName(words, type) : partName(words, view, field)
    return [{ name, value: text(field, value) }]
  })
  return <SummaryValues values={values} />
}

/** Everything the server found when the form was sent, by name. */
export function Refusals({ scene: { view }, problem }: { scene: Scene; problem: Problem | null }) {
  const { words } = useKybSpeech()
  if (!problem) return null
  return (
    <Notice tone="bad" title={problem.text} urgent>
      <ul>
        {Object.entries(problem.errors).map(([part, [code]]) => (
          <li key={part}>
            {partName(words, view, part)}: {problemText(words, view, code as 'invalid')}
          </li>
        ))}
      </ul>
    </Notice>
  )
}
