import type { ComponentChildren } from 'preact'
import { Button, Notice, TextButton } from '../shared/controls.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { Progress } from '../shared/progress.tsx'
import { safeUrl } from '../shared/safe-url.ts'
import { CancelPayment } from './cancel-payment.tsx'
import type { StepProps } from './review-step.tsx'
import { methodName, ownText, type Scene, usePaymentAction, usePaymentSpeech } from './scene.ts'
import { stepsOf } from './steps.ts'

export function PayStep({ scene, screen }: StepProps) {
  const { words, format } = usePaymentSpeech()
  const { view, api, go } = scene
  const { price, wallet } = view
  const action = usePaymentAction(scene)
  const steps = stepsOf(view)

  const pay = async () => {
    const result = await action.run(api.pay, (answer) => answer.view)
    const url = result && safeUrl(result.redirect_url)
    if (url) action.leave(url)
  }
  return (
    <>
      <Progress step={screen.number} steps={screen.steps.length} />
      <StepHeading page={view.brand.name}>{words.payTitle}</StepHeading>
      <div class="mt-6 space-y-4">
        <SessionWord scene={scene} />
        <dl class="card divide-y divide-line">
          <Row
            name={words.paymentMethod}
            onChange={
              steps.includes('method') && view.allowed.includes('choose_method')
                ? () => go('method')
                : undefined
            }
          >
            {methodName(words, view.payment_type)}
          </Row>
          <Row
            name={`${words.wallet} · ${wallet.chain_name}`}
            onChange={
              steps.includes('wallet') && view.allowed.includes('set_wallet') ? () => go('wallet') : undefined
            }
          >
            <span class="font-mono text-sm break-all">{wallet.address}</span>
          </Row>
          <Row name={words.youPay}>{format.money(price.fiat)}</Row>
          <Row name={price.kind === 'estimate' ? words.youReceiveAbout : words.youReceive}>
            <strong class="font-semibold">{format.token(price.token)}</strong>
          </Row>
        </dl>
        {action.problem && (
          <Notice tone="bad" urgent>
            {action.problem.text}
          </Notice>
        )}
        {view.allowed.includes('pay') && (
          <Button
            icon={view.payment_type === 'transfer' ? undefined : 'lock'}
            busy={action.busy}
            onPress={pay}
            describedBy="pay-note"
          >
            {payLabel(scene, words, format.money(price.fiat))}
          </Button>
        )}
        <div id="pay-note" class="space-y-1 text-sm text-soft">
          <p>{noteFor(words, view.payment_type)}</p>
          <p>{words.noteFinal}</p>
        </div>
        <CancelPayment scene={scene} />
      </div>
    </>
  )
}

/** What became of the last visit to the provider. */
function SessionWord({ scene }: { scene: Scene }) {
  const { words } = usePaymentSpeech()
  const { session, allowed } = scene.view
  if (session?.state === 'open') return <Notice tone="info">{words.sessionOpen}</Notice>
  if (session?.state === 'abandoned') return <Notice tone="info">{words.sessionAbandoned}</Notice>
  if (session?.state === 'failed') {
    return (
      <Notice tone="bad" urgent>
        {words.sessionFailed}
      </Notice>
    )
  }
  if (session?.state !== 'declined') return null
  const why = ownText(words, `decline_${session.decline_code}`) ?? words.decline_other
  return (
    <Notice tone="bad" title={words.declinedTitle} urgent>
      <p>{why}</p>
      <p>
        {words.noCharge} {allowed.includes('pay') && words.triesLeft(session.tries_left)}
      </p>
    </Notice>
  )
}

interface RowProps {
  name: string
  onChange?: (() => void) | undefined
  children: ComponentChildren
}

function Row({ name, onChange, children }: RowProps) {
  const { words } = usePaymentSpeech()
  return (
    <div class="grid grid-cols-[1fr_auto] items-center gap-x-4 px-4 py-3">
      <dt class="col-start-1 text-sm text-soft">{name}</dt>
      <dd class="col-start-1 tabular-nums">{children}</dd>
      {onChange && (
        <dd class="col-start-2 row-span-2 row-start-1">
          <TextButton onPress={onChange}>
            {words.change} <span class="sr-only">{name}</span>
          </TextButton>
        </dd>
      )}
    </div>
  )
}

type Words = ReturnType<typeof usePaymentSpeech>['words']

function payLabel({ view }: Scene, words: Words, amount: string): string {
  if (view.session?.state === 'open') return words.payContinue
  if (view.session?.state === 'declined' || view.session?.state === 'failed') return words.tryAgain
  if (view.payment_type === 'card') return words.payCard(amount)
  if (view.payment_type === 'psd2') return words.payBank(amount)
  return view.payment_type === 'transfer' ? words.payTransfer : words.payOther(amount)
}

function noteFor(words: Words, paymentType: string): string {
  switch (paymentType) {
    case 'card':
      return words.noteCard
    case 'psd2':
      return words.noteBank
    case 'transfer':
      return words.noteTransfer
    case 'paypal':
      return words.notePayPal
    default:
      return words.noteLocal
  }
}
