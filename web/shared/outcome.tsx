/** How a verification stands once it was sent: waiting, decided, or too late. */
import { Notice } from './controls.tsx'
import { StepHeading } from './frame.tsx'
import { Icon, type IconName, Spinner } from './icons.tsx'
import { safeUrl } from './safe-url.ts'
import { useSpeech } from './words.tsx'

export type OutcomeKind = 'processing' | 'review' | 'valid' | 'fail' | 'expired'

const looks: Record<OutcomeKind, { icon: IconName | null; tone: string }> = {
  processing: { icon: null, tone: 'bg-side text-brand-text' },
  review: { icon: 'search', tone: 'bg-warn-back text-warn' },
  valid: { icon: 'check', tone: 'bg-good-back text-good' },
  fail: { icon: 'cross', tone: 'bg-bad-back text-bad' },
  expired: { icon: 'clock', tone: 'bg-side text-soft' },
}

interface OutcomeProps {
  outcome: OutcomeKind
  title: string
  /** One paragraph each. */
  texts: string[]
  /** Why not, in words; `part` names what it is about. */
  reasons: { part: string | null; text: string }[]
  merchant: string
  callbackUrl: string | null
}

export function Outcome({ outcome, title, texts, reasons, merchant, callbackUrl }: OutcomeProps) {
  const { words } = useSpeech()
  const { icon, tone } = looks[outcome]
  const back = safeUrl(callbackUrl)
  return (
    <>
      <span class={`mb-5 grid size-14 place-items-center rounded-full ${tone}`}>
        {icon ? <Icon name={icon} class="size-7" /> : <Spinner class="size-7" />}
      </span>
      <StepHeading page={merchant}>{title}</StepHeading>
      {texts.map((text) => (
        <p key={text} class="mt-1.5 text-soft">
          {text}
        </p>
      ))}
      <div class="mt-6 space-y-6">
        {reasons.length > 0 && (
          <Notice tone="bad">
            <ul class="space-y-1">
              {reasons.map(({ part, text }) => (
                <li key={`${part}-${text}`}>
                  {part && <span class="font-semibold">{part}: </span>}
                  {text}
                </li>
              ))}
            </ul>
          </Notice>
        )}
        {back && (
          <a class={`button button-${outcome === 'valid' ? 'main' : 'plain'}`} href={back} rel="noreferrer">
            {words.backTo(merchant)}
          </a>
        )}
      </div>
    </>
  )
}
