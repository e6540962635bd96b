import { Button, Notice, TextButton } from '../../shared/controls.tsx'
import { StepHeading } from '../../shared/frame.tsx'
import { safeUrl } from '../../shared/safe-url.ts'
import { useSimulatorSpeech } from '../simulator.tsx'
import type { LocalScreenProps } from './local-page.tsx'

export function PayLocal({ page, view, provider, name }: LocalScreenProps) {
  const { words, format } = useSimulatorSpeech()
  const { code } = view
  const back = safeUrl(view.return_url)
  // A CLABE or CVU is an account to send money to; only PagoEfectivo's is a code that a shop takes.
  const toAccount = code !== null && view.method !== 'pagoefectivo'
  const title = toAccount ? words.localAccountTitle : code ? words.localCodeTitle : words.localTitle(name)
  const until = format.dateTime(view.expires_at)
  return (
    <>
      <StepHeading page={provider}>{title}</StepHeading>
      <p class="mt-1.5 mb-5 text-soft">
        {toAccount ? words.localAccountText(until) : code ? words.localCodeText(until) : words.localText}
      </p>
      <dl class="mb-5 divide-y divide-line rounded-xl border border-line">
        {code && (
          <div class="px-4 py-3">
            <dt class="text-soft">{toAccount ? words.localAccount : words.localCode}</dt>
            <dd class="font-mono text-lg break-all">{code}</dd>
          </div>
        )}
        <div class="flex justify-between gap-4 px-4 py-3">
          <dt class="text-soft">{words.consentAmount}</dt>
          <dd class="font-semibold tabular-nums">{format.money(view.amount)}</dd>
        </div>
        <div class="flex justify-between gap-4 px-4 py-3">
          <dt class="text-soft">{words.consentTo}</dt>
          <dd class="text-right font-medium">{view.merchant_name}</dd>
        </div>
      </dl>
      <div class="space-y-3">
        {page.problem && (
          <Notice tone="bad" urgent>
            {page.problem.text}
          </Notice>
        )}
        <Button busy={page.busy} onPress={() => void page.post('pay')}>
          {toAccount ? words.localPayAccount : code ? words.localPayCode : words.localPay}
        </Button>
        <Button kind="plain" onPress={() => void page.post('refuse')}>
          {words.localRefuse}
        </Button>
        {code && back && (
          <a class="button button-plain" href={back} rel="noreferrer">
            {words.localLater(view.merchant_name)}
          </a>
        )}
        <div class="text-center">
          <TextButton quiet onPress={() => void page.post('cancel')}>
            {words.goBack}
          </TextButton>
        </div>
      </div>
    </>
  )
}
