import { useState } from 'preact/hooks'
import { Button, Notice, TextButton } from '../../shared/controls.tsx'
import { StepHeading } from '../../shared/frame.tsx'
import { useSimulatorSpeech } from '../simulator.tsx'
import type { RedirectScreenProps } from './paypal-page.tsx'

export function Approve({ page, view }: RedirectScreenProps) {
  const { words, format } = useSimulatorSpeech()
  const [account, setAccount] = useState(view.accounts[0]?.id ?? '')
  const texts = words as unknown as Record<string, string | undefined>

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (!page.busy) await page.post('pay', { account_id: account })
  }
  return (
    <form noValidate onSubmit={submit}>
      <StepHeading page={words.payPalProvider}>{words.payPalTitle}</StepHeading>
      <p class="mt-1.5 mb-5 text-soft">{words.payPalText(view.merchant_name)}</p>
      <fieldset class="space-y-3">
        <legend class="mb-2 text-sm font-medium">{words.payPalFrom}</legend>
        {view.accounts.map(({ id, covers }) => (
          <label
            key={id}
            class={`card flex min-h-11 gap-3 p-4 has-focus-visible:outline-3 has-focus-visible:outline-offset-2 has-focus-visible:outline-brand-text ${
              account === id ? 'border-brand-text ring-1 ring-brand-text' : 'hover:border-edge'
            }`}
          >
            <input
              type="radio"
              name="account"
              class="mt-1 size-4 accent-(--brand-text)"
              value={id}
              checked={account === id}
              onChange={() => setAccount(id)}
            />
            <span class="min-w-0 flex-1 font-medium">
              {texts[`payPal_${id}`] ?? id}
              {!covers && <span class="font-medium text-bad"> · {words.consentLow}</span>}
            </span>
          </label>
        ))}
      </fieldset>
      <div class="mt-5 space-y-3">
        {page.problem && (
          <Notice tone="bad" urgent>
            {page.problem.text}
          </Notice>
        )}
        <Button type="submit" icon="lock" busy={page.busy}>
          {words.cardPay(format.money(view.amount))}
        </Button>
        <div class="text-center">
          <TextButton quiet onPress={() => void page.post('cancel')}>
            {words.goBack}
          </TextButton>
        </div>
      </div>
    </form>
  )
}
