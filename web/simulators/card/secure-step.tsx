import { useState } from 'preact/hooks'
import { Button, Notice, TextButton, TextField } from '../../shared/controls.tsx'
import { StepHeading, TestValue, TestValues } from '../../shared/frame.tsx'
import { useSimulatorSpeech } from '../simulator.tsx'
import type { CardScreenProps } from './card-page.tsx'
import { digitsOf } from './card-rules.ts'

const testCode = '123456'

/** 3-D Secure: the bank asks whether it is really you. */
export function SecureStep({ page, view }: CardScreenProps) {
  const { words, format } = useSimulatorSpeech()
  const [code, setCode] = useState('')
  const [wrong, setWrong] = useState<string | null>(null)

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (page.busy) return
    if (code === '') return setWrong(words.problem_required)
    const next = await page.post('three-d-secure', { answer: 'code', code })
    if (next === null || next.state === 'three_d_secure_required') setWrong(words.secureWrong)
  }
  return (
    <form noValidate onSubmit={submit}>
      <StepHeading page={words.cardProvider}>{words.secureTitle}</StepHeading>
      <p class="mt-1.5 mb-5 text-soft">
        {words.secureText(view.card_last4 ?? '····', format.money(view.amount))}
      </p>
      <div class="space-y-4">
        <TestValues>
          <TestValue onPress={() => setCode(testCode)}>
            <span class="font-mono">{testCode}</span>
          </TestValue>
        </TestValues>
        <TextField
          label={words.secureCode}
          name="code"
          value={code}
          onValue={(value) => {
            setWrong(null)
            setCode(digitsOf(value).slice(0, 6))
          }}
          error={wrong}
          inputMode="numeric"
          autoComplete="one-time-code"
        />
        {page.problem && page.problem.code !== 'invalid_field' && (
          <Notice tone="bad" urgent>
            {page.problem.text}
          </Notice>
        )}
        <Button type="submit" busy={page.busy}>
          {words.secureConfirm}
        </Button>
        <Button
          kind="plain"
          icon="phone"
          onPress={() => void page.post('three-d-secure', { answer: 'approve' })}
        >
          {words.secureApprove}
        </Button>
        <div class="text-center">
          <TextButton quiet onPress={() => void page.post('three-d-secure', { answer: 'fail' })}>
            {words.secureFail}
          </TextButton>
        </div>
      </div>
    </form>
  )
}
