import { useRef, useState } from 'preact/hooks'
import { Button, focusFirstInvalid, Notice, TextButton, TextField } from '../../shared/controls.tsx'
import { StepHeading, TestValue, TestValues } from '../../shared/frame.tsx'
import { useSimulatorSpeech } from '../simulator.tsx'
import type { BankScreenProps } from './bank-page.tsx'

export function Login({ page, view }: BankScreenProps) {
  const { words } = useSimulatorSpeech()
  const form = useRef<HTMLFormElement>(null)
  const [user, setUser] = useState('')
  const [password, setPassword] = useState('')
  const [tried, setTried] = useState(false)

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (page.busy) return
    setTried(true)
    if (user === '' || password === '') return focusFirstInvalid(form.current)
    await page.post('login', { user, password })
  }
  return (
    <form ref={form} noValidate onSubmit={submit}>
      <StepHeading page={words.bankProvider}>{words.loginTitle(view.bank?.name ?? '')}</StepHeading>
      <div class="mt-5 space-y-4">
        <TestValues>
          <TestValue
            onPress={() => {
              setUser(view.test_login.user)
              setPassword(view.test_login.password)
            }}
          >
            <span class="font-mono">
              {view.test_login.user} / {view.test_login.password}
            </span>
          </TestValue>
        </TestValues>
        <TextField
          label={words.loginUser}
          name="user"
          value={user}
          onValue={setUser}
          error={tried && user === '' ? words.problem_required : null}
        />
        <TextField
          label={words.loginPassword}
          name="password"
          type="password"
          value={password}
          onValue={setPassword}
          error={tried && password === '' ? words.problem_required : null}
        />
        {page.problem && (
          <Notice tone="bad" urgent>
            {page.problem.code === 'login_failed' ? words.loginFailed : page.problem.text}
          </Notice>
        )}
        <Button type="submit" busy={page.busy}>
          {words.loginGo}
        </Button>
        <div class="text-center">
          <TextButton quiet onPress={() => void page.post('bank', { bank_id: null })}>
            {words.otherBank}
          </TextButton>
        </div>
      </div>
    </form>
  )
}
