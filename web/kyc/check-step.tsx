import type { ComponentChildren } from 'preact'
import { useRef, useState } from 'preact/hooks'
import type { KycField } from '../../src/hosted/wire.ts'
import { Button, CheckField, focusFirstInvalid, Notice, TextButton } from '../shared/controls.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { Icon } from '../shared/icons.tsx'
import { Progress } from '../shared/progress.tsx'
import type { StepProps } from './kyc-page.tsx'
import { fieldName, problemText, type Scene, typeName, useKycAction, useKycSpeech } from './scene.ts'
import { fieldsOf, type KycStep, photosNeeded } from './steps.ts'

export function CheckStep({ scene, screen }: StepProps) {
  const { words } = useKycSpeech()
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
          <Block key={step} title={words[`step_${step}`]} onChange={() => go(step)}>
            <Values scene={scene} step={step} />
          </Block>
        ))}
        <Block title={words.photosSection} onChange={() => go('photos')}>
          <ul class="space-y-1">
            {[...photosNeeded(view), 'face_image' as const].map((kind) => (
              <li key={kind} class="flex items-center gap-2">
                <Icon name="check" class="size-4 text-good" />
                {words[`field_${kind}`]}
              </li>
            ))}
          </ul>
        </Block>
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

interface BlockProps {
  title: string
  onChange: () => void
  children: ComponentChildren
}

function Block({ title, onChange, children }: BlockProps) {
  const { words } = useKycSpeech()
  return (
    <section class="card px-4 pt-1 pb-4">
      <div class="flex items-center justify-between gap-3">
        <h2 class="font-semibold">{title}</h2>
        <TextButton onPress={onChange}>
          {words.change} <span class="sr-only">{title}</span>
        </TextButton>
      </div>
      {children}
    </section>
  )
}

function Values({ scene, step }: { scene: Scene; step: KycStep }) {
  const { words } = useKycSpeech()
  const shown = fieldsOf(step, scene.view).filter((field) => scene.view.data[field])
  return (
    <dl class="space-y-1.5 text-[0.9375rem]">
      {shown.map((field) => (
        <div key={field} class="grid gap-x-4 sm:grid-cols-[9rem_1fr]">
          <dt class="text-soft">{fieldName(words, field)}</dt>
          <dd class="break-words">
            <Value scene={scene} field={field} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

function Value({ scene: { view }, field }: { scene: Scene; field: KycField }) {
  const { words, format } = useKycSpeech()
  const value = view.data[field]!
  if (field === 'country' || field === 'identification_country') return <>{format.country(value)}</>
  if (field === 'birth_date' || field === 'identification_expires_on') return <>{format.day(value)}</>
  if (field !== 'identification_type') return <>{value}</>
  return <>{typeName(words, view.data.identification_country ?? view.data.country ?? '', value)}</>
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
