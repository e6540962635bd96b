/** Beside a form of several steps: why it is asked, how far along it is, and the way on to the phone. */
import { useState } from 'preact/hooks'
import { TextButton } from './controls.tsx'
import { CopyButton } from './copy.tsx'
import { Dialog } from './dialog.tsx'
import { Icon } from './icons.tsx'
import { QrCode } from './qr.tsx'
import { useSpeech } from './words.tsx'

interface FormAsideProps {
  title: string
  intro: string
  safe: string
  /** The names of the steps; empty when there are none any more. */
  steps: string[]
  /** Which one is shown, from 1; 0 for none. */
  now: number
  /** Whether there is something to fill in. */
  fillable: boolean
  pageUrl: string
}

export function FormAside({ title, intro, safe, steps, now, fillable, pageUrl }: FormAsideProps) {
  const { words } = useSpeech()
  const [onPhone, setOnPhone] = useState(false)
  return (
    <section aria-label={title}>
      <div class={now === 1 ? '' : 'hidden lg:block'}>
        <p class="text-xl font-semibold tracking-tight lg:text-2xl">{title}</p>
        {now > 0 && <p class="mt-1.5 text-soft">{intro}</p>}
      </div>
      {now > 0 && (
        <ol class="mt-8 hidden space-y-3 lg:block">
          {steps.map((name, at) => (
            <StepLine key={name} name={name} at={at + 1} now={now} />
          ))}
        </ol>
      )}
      {fillable && (
        <div class="mt-8 hidden border-t border-line pt-2 lg:block">
          <TextButton icon="phone" onPress={() => setOnPhone(true)}>
            {words.onPhoneOpen}
          </TextButton>
          <p class="flex items-start gap-1.5 text-sm text-soft">
            <Icon name="lock" class="mt-0.5 size-4" />
            {safe}
          </p>
        </div>
      )}
      {onPhone && (
        <Dialog title={words.onPhoneTitle} onClose={() => setOnPhone(false)}>
          <p class="text-soft">{words.onPhoneText}</p>
          <div class="my-5 grid place-items-center">
            <QrCode text={pageUrl} label={words.onPhoneTitle} />
          </div>
          <div class="text-center">
            <CopyButton what={words.copyLink} text={pageUrl}>
              {words.copyLink}
            </CopyButton>
          </div>
        </Dialog>
      )}
    </section>
  )
}

function StepLine({ name, at, now }: { name: string; at: number; now: number }) {
  const { words } = useSpeech()
  const done = at < now
  const look = done
    ? 'bg-good text-page'
    : at === now
      ? 'bg-brand text-brand-on'
      : 'border border-line bg-raised text-soft'
  return (
    <li class="flex items-center gap-3" aria-current={at === now ? 'step' : undefined}>
      <span class={`grid size-7 place-items-center rounded-full text-sm font-semibold ${look}`}>
        {done ? <Icon name="check" class="size-4" /> : at}
      </span>
      <span class={at === now ? 'font-semibold' : done ? '' : 'text-soft'}>
        {name}
        {done && <span class="sr-only"> ({words.stepDone})</span>}
      </span>
    </li>
  )
}
