/** How a session ends at PayPal and at the local methods: the same four ways. */
import type { RedirectView } from '../../src/providers/simulated-pages-wire.ts'
import type { IconName } from '../shared/icons.tsx'
import { SimulatorEnd, useSimulatorSpeech } from './simulator.tsx'

interface Props {
  view: RedirectView
  provider: string
}

export function RedirectEnd({ view, provider }: Props) {
  const { words } = useSimulatorSpeech()
  const texts = words as unknown as Record<string, string | undefined>
  const ends: Record<
    Exclude<RedirectView['state'], 'open'>,
    { icon: IconName; tone: 'good' | 'bad' | 'soft'; title: string; text: string; leaves: boolean }
  > = {
    paid: { icon: 'check', tone: 'good', title: words.paidTitle, text: words.paidText, leaves: true },
    declined: {
      icon: 'cross',
      tone: 'bad',
      title: words.refusedTitle,
      text: texts[`refusal_${view.decline_code}`] ?? words.refusal_other,
      leaves: false,
    },
    cancelled: {
      icon: 'back',
      tone: 'soft',
      title: words.cancelledTitle,
      text: words.cancelledText,
      leaves: true,
    },
    expired: {
      icon: 'clock',
      tone: 'soft',
      title: words.expiredTitle,
      text: words.expiredText,
      leaves: false,
    },
  }
  if (view.state === 'open') return null
  return <SimulatorEnd view={view} provider={provider} {...ends[view.state]} />
}
