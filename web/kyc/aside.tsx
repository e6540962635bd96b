import { useState } from 'preact/hooks'
import { TextButton } from '../shared/controls.tsx'
import { CopyButton } from '../shared/copy.tsx'
import { Dialog } from '../shared/dialog.tsx'
import { Icon } from '../shared/icons.tsx'
import { QrCode } from '../shared/qr.tsx'
import { type Scene, useKycSpeech } from './scene.ts'
import type { KycScreen } from './steps.ts'

/** Why this is asked, and on wide screens how far along it is. */
export function Aside({ scene, screen }: { scene: Scene; screen: KycScreen }) {
  const { words } = useKycSpeech()
  const { view } = scene
  const [onPhone, setOnPhone] = useState(false)
  const steps = screen.kind === 'step' ? screen.steps : []
  const now = screen.kind === 'step' ? screen.number : 0
  const fillable = screen.kind === 'step' || screen.kind === 'mend'
  return (
    <section aria-label={words.verification}>
      <div class={now === 1 ? '' : 'hidden lg:block'}>
        <p class="text-xl font-semibold tracking-tight lg:text-2xl">{words.verification}</p>
        {now > 0 && <p class="mt-1.5 text-soft">{words.intro(view.brand.name)}</p>}
      </div>
      {now > 0 && (
        <ol class="mt-8 hidden space-y-3 lg:block">
          {steps.map((step, at) => (
            <StepLine key={step} name={words[`step_${step}`]} at={at + 1} now={now} />
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
            {words.safe}
          </p>
        </div>
      )}
      {onPhone && (
        <Dialog title={words.onPhoneTitle} onClose={() => setOnPhone(false)}>
          <p class="text-soft">{words.onPhoneText}</p>
          <div class="my-5 grid place-items-center">
            <QrCode text={view.page_url} label={words.onPhoneTitle} />
          </div>
          <div class="text-center">
            <CopyButton what={words.copyLink} text={view.page_url}>
              {words.copyLink}
            </CopyButton>
          </div>
        </Dialog>
      )}
    </section>
  )
}

function StepLine({ name, at, now }: { name: string; at: number; now: number }) {
  const { words } = useKycSpeech()
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
