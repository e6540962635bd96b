import { useRef, useState } from 'preact/hooks'
import { Button, focusFirstInvalid, Notice } from '../shared/controls.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { Refusals } from './check-step.tsx'
import { typedOf } from './data-step.tsx'
import { KycFields, useFieldProblems } from './fields.tsx'
import { PhotoSlot } from './photo-slot.tsx'
import { problemText, type Scene, useKycAction, useKycSpeech } from './scene.ts'
import { fieldsToMend, hasPhoto, photosToMend } from './steps.ts'

/** Just what was rejected, each with its reason; everything else stays as it was sent. */
export function MendScreen({ scene }: { scene: Scene }) {
  const { words } = useKycSpeech()
  const { view, api, draft } = scene
  const form = useRef<HTMLFormElement>(null)
  const fields = fieldsToMend(view)
  const photos = photosToMend(view)
  const general = view.reasons.filter((reason) => reason.field === null)
  const [tried, setTried] = useState(false)
  const action = useKycAction(scene)
  const problems = useFieldProblems(scene, fields, action.problem)
  const missing = photos.filter((kind) => !hasPhoto(view, kind))

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (action.busy) return
    setTried(true)
    if (problems.showAll() || missing.length > 0) return focusFirstInvalid(form.current)
    if (fields.length > 0) {
      const saved = await action.run(
        () => api.save(typedOf(scene, fields)),
        (next) => next,
      )
      if (!saved) return focusFirstInvalid(form.current)
      draft.forget(fields)
      // Another document may need a photo that the former did not.
      if (photosToMend(saved).some((kind) => !hasPhoto(saved, kind))) return
    }
    await action.run(api.submit, (next) => next)
  }
  return (
    <form ref={form} noValidate onSubmit={submit}>
      <StepHeading page={view.brand.name}>{words.mendTitle}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{words.mendIntro}</p>
      <div class="space-y-5">
        {general.map((reason) => (
          <Notice key={reason.code} tone="warn">
            {problemText(words, view, reason.code, reason.text)}
          </Notice>
        ))}
        <KycFields scene={scene} fields={fields} problems={problems} />
        {photos.map((kind) => (
          <PhotoSlot key={kind} scene={scene} kind={kind} missing={tried && missing.includes(kind)} />
        ))}
        {tried && missing.length > 0 && (
          <Notice tone="bad" urgent>
            {words.missingTitle}
          </Notice>
        )}
        <Refusals scene={scene} errors={action.problem?.errors ?? {}} text={action.problem?.text} />
        <Button type="submit" busy={action.busy}>
          {words.mendSend}
        </Button>
      </div>
    </form>
  )
}
