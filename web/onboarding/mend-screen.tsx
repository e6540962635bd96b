import { useRef, useState } from 'preact/hooks'
import { Button, focusFirstInvalid, Notice } from '../shared/controls.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { Refusals } from './check-step.tsx'
import { typedOf } from './data-step.tsx'
import { Documents } from './documents.tsx'
import { OnboardingFields, useProblems } from './fields.tsx'
import { problemText, type Scene, useOnboardingAction, useOnboardingSpeech } from './scene.ts'
import { Sign, useSignature } from './sign.tsx'
import { fieldsToMend } from './steps.ts'

/** Just what was rejected, each with its reason; everything else stays as it was sent. */
export function MendScreen({ scene }: { scene: Scene }) {
  const { words } = useOnboardingSpeech()
  const { view, api, draft } = scene
  const form = useRef<HTMLFormElement>(null)
  const fields = fieldsToMend(view, draft.get)
  const general = view.reasons.filter((reason) => reason.field === null)
  const [tried, setTried] = useState(false)
  const signature = useSignature()
  const action = useOnboardingAction(scene)
  const problems = useProblems(scene, fields, action.problem)
  const lacks = view.documents_asked && !view.documents.some((document) => document.removable)

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (action.busy) return
    setTried(true)
    if (problems.showAll() || lacks || !signature.isWhole) return focusFirstInvalid(form.current)
    if (fields.length > 0) {
      const saved = await action.run(
        () => api.save(typedOf(scene, fields)),
        (next) => next,
      )
      if (!saved) return focusFirstInvalid(form.current)
      draft.forget(fields)
    }
    const sent = await action.run(
      () => api.submit({ signature: signature.name.trim(), declare: true }),
      (next) => next,
    )
    if (!sent) focusFirstInvalid(form.current)
  }
  return (
    <form ref={form} noValidate onSubmit={submit}>
      <StepHeading page={view.brand.name}>{words.mendTitle}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{words.mendIntro}</p>
      <div class="space-y-5">
        {general.map((reason) => (
          <Notice key={reason.code} tone="warn">
            {problemText(words, reason.code, reason.text)}
          </Notice>
        ))}
        <OnboardingFields scene={scene} fields={fields} problems={problems} />
        {view.documents_asked && <Documents scene={scene} missing={tried && lacks} />}
        <Sign scene={scene} signature={signature} tried={tried} answer={action.problem} />
        <Refusals scene={scene} problem={action.problem} />
        <Button type="submit" busy={action.busy}>
          {words.mendSend}
        </Button>
      </div>
    </form>
  )
}
