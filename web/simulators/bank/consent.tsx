import { useState } from 'preact/hooks'
import { Button, Notice } from '../../shared/controls.tsx'
import { StepHeading } from '../../shared/frame.tsx'
import { groupedIban } from '../../shared/iban.ts'
import { useSimulatorSpeech } from '../simulator.tsx'
import type { BankScreenProps } from './bank-page.tsx'

export function Consent({ page, view }: BankScreenProps) {
  const { words, format } = useSimulatorSpeech()
  const [account, setAccount] = useState('')
  const [tried, setTried] = useState(false)
  const missing = tried && account === ''

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (page.busy) return
    setTried(true)
    if (account !== '') await page.post('consent', { account_id: account })
  }
  return (
    <form noValidate onSubmit={submit}>
      <StepHeading page={words.bankProvider}>{words.consentTitle}</StepHeading>
      <p class="mt-1.5 mb-5 text-soft">{words.consentText(view.bank?.name ?? '')}</p>
      <dl class="mb-5 divide-y divide-line rounded-xl border border-line">
        <div class="flex justify-between gap-4 px-4 py-3">
          <dt class="text-soft">{words.consentAmount}</dt>
          <dd class="font-semibold tabular-nums">{format.money(view.amount)}</dd>
        </div>
        <div class="flex justify-between gap-4 px-4 py-3">
          <dt class="text-soft">{words.consentTo}</dt>
          <dd class="text-right font-medium">{view.merchant_name}</dd>
        </div>
      </dl>
      <fieldset class="space-y-3">
        <legend class="mb-2 text-sm font-medium">{words.consentFrom}</legend>
        {view.accounts.map((one) => (
          <label
            key={one.id}
            class={`card flex gap-3 p-4 has-focus-visible:outline-3 has-focus-visible:outline-offset-2 has-focus-visible:outline-brand-text ${
              account === one.id ? 'border-brand-text ring-1 ring-brand-text' : 'hover:border-edge'
            }`}
          >
            <input
              type="radio"
              name="account"
              class="mt-1 size-4 accent-(--brand-text)"
              value={one.id}
              checked={account === one.id}
              onChange={() => setAccount(one.id)}
            />
            <span class="min-w-0 flex-1">
              <span class="block font-medium">{one.name}</span>
              <span class="block text-sm break-words text-soft tabular-nums">{groupedIban(one.iban)}</span>
              <span class="block text-sm tabular-nums">
                {words.consentBalance(format.money(one.balance))}
                {!one.covers && <span class="font-medium text-bad"> · {words.consentLow}</span>}
              </span>
            </span>
          </label>
        ))}
      </fieldset>
      <div class="mt-5 space-y-3">
        {(missing || page.problem) && (
          <Notice tone="bad" urgent>
            {missing ? words.consentMissing : page.problem?.text}
          </Notice>
        )}
        <Button type="submit" busy={page.busy}>
          {words.consentApprove}
        </Button>
        <Button kind="plain" onPress={() => void page.post('refuse')}>
          {words.consentRefuse}
        </Button>
      </div>
    </form>
  )
}
