import { useSpeech } from './words.tsx'

/** How far along: a bar of segments, and in words for everybody. */
export function Progress({ step, steps }: { step: number; steps: number }) {
  const { words } = useSpeech()
  return (
    <div class="mb-5 flex items-center gap-3">
      <div class="flex flex-1 gap-1.5" aria-hidden="true">
        {Array.from({ length: steps }, (_, at) => (
          <span key={at} class={`h-1 flex-1 rounded-full ${at < step ? 'bg-brand-text' : 'bg-line'}`} />
        ))}
      </div>
      <p class="text-sm text-soft tabular-nums">{words.stepOf(step, steps)}</p>
    </div>
  )
}
