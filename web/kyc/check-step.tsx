import { useRef, useState } from 'preact/hooks'
import type { KycField, KycView } from '../../src/hosted/wire.ts'
import { Button, CheckField, focusFirstInvalid, Notice } from '../shared/controls.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { Icon } from '../shared/icons.tsx'
import { Progress } from '../shared/progress.tsx'
import { SummaryBlock, SummaryValues } from '../shared/summary-block.tsx'
import type { StepProps } from './kyc-page.tsx'
import { fieldName, problemText, type Scene, typeName, useKycAction, useKycSpeech } from './scene.ts'
import { fieldsOf, type KycStep, photosNeeded } from './steps.ts'

export function CheckStep({ scene, screen }: StepProps) {
  const { words, format } = useKycSpeech()
  const { view, api, go } = scene
  const form = useRef<HTMLFormElement>(null)
  const [declared, setDeclared] = useState(false)
  const [tried, setTried] = useState(false)
  const action = useKycAction(scene)
  const dataSteps = screen.steps.filter((step) => fieldsOf(step, view).length > 0)

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (action.busy) return
    setTried(true)
    if (!declared) return focusFirstInvalid(form.current)
    await action.run(api.submit, (next) => next)
  }
  return (
    <form ref={form} noValidate onSubmit={submit}>
      <Progress step={screen.number} steps={screen.steps.length} />
      <StepHeading page={view.brand.name}>{words.checkTitle}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{words.checkIntro}</p>
      <div class="space-y-4">
        {dataSteps.map((step) => (
          <SummaryBlock key={step} title={words[`step_${step}`]} onChange={() => go(step)}>
            <SummaryValues values={valuesOf(scene, step, { words, format })} />
          </SummaryBlock>
        ))}
        <SummaryBlock title={words.photosSection} onChange={() => go('photos')}>
          <ul class="space-y-1">
            {[...photosNeeded(view), 'face_image' as const].map((kind) => (
              <li key={kind} class="flex items-center gap-2">
                <Icon name="check" class="size-4 text-good" />
                {words[`field_${kind}`]}
              </li>
            ))}
          </ul>
        </SummaryBlock>
        <CheckField
          checked={declared}
          onChecked={setDeclared}
          error={tried && !declared ? words.declareMissing : null}
        >
          {words.declare}
        </CheckField>
        <Refusals scene={scene} errors={action.problem?.errors ?? {}} text={action.problem?.text} />
        <Button type="submit" busy={action.busy}>
          {words.send}
        </Button>
      </div>
    </form>
  )
}

function valuesOf({ view }: Scene, step: KycStep, { words, format }: Speech) {
  return fieldsOf(step, view)
    .filter((field) => view.data[field])
    .map((field) => ({ name: fieldName(words, field), value: valueText(view, field, { words, format }) }))
}

type Speech = Pick<ReturnType<typeof useKycSpeech>, 'words' | 'format'>

function valueText({ data }: KycView, field: KycField, { words, format }: Speech): string {
  const value = data[field]!
  if (field === 'country' || field === 'identification_country') return format.country(value)
  if (field === 'birth_date' || field === 'identification_expires_on') return format.day(value)
  if (field !== 'identification_type') return value
  return typeName(words, data.identification_country ?? data.country ?? '', value)
}

/** Everything the server found when the form was sent, by name. */
export function Refusals(props: {
  scene: Scene
  errors: Record<string, string[]>
  text: string | undefined
}) {
  const { words } = useKycSpeech()
  if (!props.text) return null
  const texts = words as unknown as Record<string, string | undefined>
  return (
    <Notice tone="bad" title={props.text} urgent>
      <ul>
        {Object.entries(props.errors).map(([field, [code]]) => (
          <li key={field}>
            {texts[`field_${field}`] ?? field}: {problemText(words, props.scene.view, code as 'invalid')}
          </li>
        ))}
      </ul>
    </Notice>
  )
}
