import { useEffect, useState } from 'preact/hooks'
import type { OnboardingOffer, PaymentMethod } from '../../src/hosted/wire.ts'
import { Button, Notice, TextButton } from '../shared/controls.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { Icon, type IconName } from '../shared/icons.tsx'
import { Progress } from '../shared/progress.tsx'
import { safeUrl } from '../shared/safe-url.ts'
import type { StepProps } from './review-step.tsx'
import { methodName, ownText, usePaymentAction, usePaymentSpeech } from './scene.ts'
import { stepAfter, stepBefore } from './steps.ts'

export function MethodStep({ scene, screen }: StepProps) {
  const { words } = usePaymentSpeech()
  const { view, api, go } = scene
  const preset = view.methods.find((method) => method.payment_type === view.payment_type)
  const [chosen, setChosen] = useState(preset && !preset.unavailable ? preset.payment_type : '')
  const [missing, setMissing] = useState(false)
  const action = usePaymentAction(scene)
  const [lifting, setLifting] = useState(false)
  const offer = action.problem?.data as OnboardingOffer | undefined
  const lift = safeUrl(offer?.onboarding_link ?? null)
  useEffect(() => {
    if (lifting && lift) action.leave(lift)
  }, [lifting, lift])

  /** The server refuses the method, and gives the way to have the limit lifted along with the refusal. */
  const raise = async (type: string) => {
    if (action.busy) return
    setLifting(true)
    await action.run(
      () => api.method(type),
      (next) => next,
    )
  }
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    setMissing(chosen === '')
    if (chosen === '' || action.busy) return
    setLifting(false)
    const changed = chosen !== view.payment_type
    if (
      changed &&
      !(await action.run(
        () => api.method(chosen),
        (next) => next,
      ))
    )
      return
    go(stepAfter(view, 'method'))
  }
  const leaving = lifting && lift !== null
  const problem = missing ? words.methodMissing : leaving ? undefined : action.problem?.text
  return (
    <form noValidate onSubmit={submit}>
      <Progress step={screen.number} steps={screen.steps.length} />
      <StepHeading page={view.brand.name}>{words.methodTitle}</StepHeading>
      <fieldset class="mt-6 space-y-3" aria-describedby={problem ? 'method-problem' : undefined}>
        <legend class="sr-only">{words.methodTitle}</legend>
        {view.methods.map((method) => (
          <div key={method.payment_type}>
            <MethodCard
              method={method}
              checked={chosen === method.payment_type}
              onChoose={() => {
                setMissing(false)
                setChosen(method.payment_type)
              }}
            />
            {method.unavailable === 'needs_reinforced' && (
              <TextButton onPress={() => void raise(method.payment_type)}>
                {words.raiseLimit} <span class="sr-only">{methodName(words, method.payment_type)}</span>
              </TextButton>
            )}
          </div>
        ))}
      </fieldset>
      <div id="method-problem" class="mt-4">
        {problem && (
          <Notice tone="bad" urgent>
            {problem}
            {lift && !missing && (
              <a class="link" href={lift} rel="noreferrer">
                {words.raiseLimit}
              </a>
            )}
          </Notice>
        )}
      </div>
      <div class="mt-6 space-y-2">
        <Button type="submit" busy={action.busy}>
          {words.continue}
        </Button>
        <div class="text-center">
          <TextButton quiet onPress={() => go(stepBefore(view, 'method'))}>
            {words.back}
          </TextButton>
        </div>
      </div>
    </form>
  )
}

const icons: Record<string, IconName> = { card: 'card', psd2: 'bank', transfer: 'transfer', paypal: 'wallet' }

interface MethodCardProps {
  method: PaymentMethod
  checked: boolean
  onChoose: () => void
}

function MethodCard({ method, checked, onChoose }: MethodCardProps) {
  const { words, format } = usePaymentSpeech()
  const { payment_type: type, token } = method
  const closed = method.unavailable !== null
  const about = type === 'transfer'
  return (
    <label
      class={`card flex gap-4 p-4 transition-shadow has-focus-visible:outline-3 has-focus-visible:outline-offset-2 has-focus-visible:outline-brand-text ${
        checked ? 'border-brand-text ring-1 ring-brand-text' : closed ? 'bg-side' : 'hover:border-edge'
      } ${closed ? 'cursor-not-allowed' : ''}`}
    >
      <input
        type="radio"
        name="payment_type"
        class="sr-only"
        value={type}
        checked={checked}
        disabled={closed}
        onChange={onChoose}
      />
      <span
        class={`mt-0.5 grid size-10 shrink-0 place-items-center rounded-lg ${checked ? 'bg-brand text-brand-on' : 'bg-side text-soft'}`}
      >
        <Icon name={icons[type] ?? 'wallet'} class="size-5.5" />
      </span>
      <span class="min-w-0 flex-1">
        <span class="flex items-start justify-between gap-3">
          <span class={`font-semibold ${closed ? 'text-soft' : ''}`}>{methodName(words, type)}</span>
          <span
            class={`mt-0.5 grid size-5 shrink-0 place-items-center rounded-full border-2 ${checked ? 'border-brand-text' : closed ? 'border-line' : 'border-edge'}`}
            aria-hidden="true"
          >
            {checked && <span class="size-2.5 rounded-full bg-brand-text" />}
          </span>
        </span>
        {ownText(words, `methodText_${type}`) && (
          <span class="block text-sm text-soft">{ownText(words, `methodText_${type}`)}</span>
        )}
        {closed ? (
          <span class="mt-1 block text-sm font-medium text-soft">{whyClosed(words, format, method)}</span>
        ) : (
          <>
            <span class="mt-1.5 block text-sm font-medium tabular-nums">
              {about ? words.methodGetAbout(format.token(token)) : words.methodGet(format.token(token))}
            </span>
            <span class="block text-sm text-soft tabular-nums">
              {words.methodFees(format.money(method.fees_total))} · {words[`speed_${method.settlement}`]}
            </span>
          </>
        )}
      </span>
    </label>
  )
}

type Speech = ReturnType<typeof usePaymentSpeech>

function whyClosed(words: Speech['words'], format: Speech['format'], method: PaymentMethod): string {
  if (method.unavailable === 'below_min') return words.unavailable_below_min(format.money(method.min))
  if (method.unavailable === 'above_max') return words.unavailable_above_max(format.money(method.max))
  if (method.unavailable === 'limit_reached') return words.unavailable_limit_reached
  if (method.unavailable === 'needs_reinforced') return words.unavailable_needs_reinforced
  return words.unavailable_not_available
}
