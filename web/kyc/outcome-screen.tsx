import { Notice } from '../shared/controls.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { Icon, type IconName, Spinner } from '../shared/icons.tsx'
import { safeUrl } from '../shared/safe-url.ts'
import { fieldName, problemText, type Scene, useKycSpeech } from './scene.ts'
import type { KycScreen } from './steps.ts'

type Outcome = Exclude<KycScreen['kind'], 'step' | 'mend'>

const looks: Record<Outcome, { icon: IconName | null; tone: string }> = {
  processing: { icon: null, tone: 'bg-side text-brand-text' },
  review: { icon: 'search', tone: 'bg-warn-back text-warn' },
  valid: { icon: 'check', tone: 'bg-good-back text-good' },
  fail: { icon: 'cross', tone: 'bg-bad-back text-bad' },
  expired: { icon: 'clock', tone: 'bg-side text-soft' },
}

export function OutcomeScreen({ scene: { view }, outcome }: { scene: Scene; outcome: Outcome }) {
  const { words } = useKycSpeech()
  const { icon, tone } = looks[outcome]
  const back = safeUrl(view.callback_url)
  const text = outcome === 'expired' ? words.expiredText(view.brand.name) : words[`${outcome}Text`]
  return (
    <>
      <span class={`mb-5 grid size-14 place-items-center rounded-full ${tone}`}>
        {icon ? <Icon name={icon} class="size-7" /> : <Spinner class="size-7" />}
      </span>
      <StepHeading page={view.brand.name}>{words[`${outcome}Title`]}</StepHeading>
      <p class="mt-1.5 text-soft">{text}</p>
      {outcome === 'fail' && <p class="mt-1.5 text-soft">{words.failAgain(view.brand.name)}</p>}
      <div class="mt-6 space-y-6">
        {outcome === 'fail' && view.reasons.length > 0 && (
          <Notice tone="bad">
            <ul class="space-y-1">
              {view.reasons.map((reason) => (
                <li key={`${reason.field}-${reason.code}`}>
                  {reason.field && (
                    <span class="font-semibold">{fieldName(words, reason.field as 'name')}: </span>
                  )}
                  {problemText(words, view, reason.code, reason.text)}
                </li>
              ))}
            </ul>
          </Notice>
        )}
        {back && (
          <a class={`button button-${outcome === 'valid' ? 'main' : 'plain'}`} href={back} rel="noreferrer">
            {words.backTo(view.brand.name)}
          </a>
        )}
      </div>
    </>
  )
}
