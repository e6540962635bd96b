import { useRef, useState } from 'preact/hooks'
import { Button, focusFirstInvalid, Notice, TextField } from '../shared/controls.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { Icon } from '../shared/icons.tsx'
import { type Scene, useKybAction, useKybSpeech } from './scene.ts'

/** The link alone opens nothing: whoever has it gives the password first. */
export function PasswordScreen({ scene }: { scene: Scene }) {
  const { words } = useKybSpeech()
  const { view, api } = scene
  const form = useRef<HTMLFormElement>(null)
  const [password, setPassword] = useState('')
  const [tried, setTried] = useState(false)
  const action = useKybAction(scene)
  const wrong = action.problem?.code === 'password_incorrect'

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (action.busy) return
    setTried(true)
    if (password.trim() === '') return focusFirstInvalid(form.current)
    const opened = await action.run(
      () => api.unlock(password.trim()),
      (next) => next,
    )
    if (!opened) focusFirstInvalid(form.current)
  }
  const problem = wrong
    ? words.passwordWrong
    : tried && password.trim() === ''
      ? words.problem_required
      : null
  return (
    <form ref={form} noValidate onSubmit={submit}>
      <span class="mb-5 grid size-14 place-items-center rounded-full bg-side text-brand-text">
        <Icon name="lock" class="size-7" />
      </span>
      <StepHeading page={view.brand.name}>{words.passwordTitle}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{words.passwordIntro(view.brand.name)}</p>
      <div class="space-y-5">
        <TextField
          label={words.password}
          name="password"
          type="password"
          autoComplete="current-password"
          maxLength={200}
          value={password}
          onValue={(value) => {
            action.clear()
            setPassword(value)
          }}
          hint={words.passwordHint}
          error={problem}
        />
        {action.problem && !wrong && (
          <Notice tone="bad" urgent>
            {action.problem.code === 'too_many_requests' ? words.passwordWait : action.problem.text}
          </Notice>
        )}
        <Button type="submit" busy={action.busy}>
          {words.passwordOpen}
        </Button>
      </div>
      <p class="mt-5 text-sm text-soft">{words.passwordLost(view.brand.name)}</p>
    </form>
  )
}
