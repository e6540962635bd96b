/** A part of what will be sent, to look over once more, and the way back to change it. */
import type { ComponentChildren } from 'preact'
import { TextButton } from './controls.tsx'
import { useSpeech } from './words.tsx'

interface SummaryBlockProps {
  title: string
  onChange: () => void
  children: ComponentChildren
}

export function SummaryBlock({ title, onChange, children }: SummaryBlockProps) {
  const { words } = useSpeech()
  return (
    <section class="card px-4 pt-1 pb-4">
      <div class="flex items-center justify-between gap-3">
        <h2 class="font-semibold">{title}</h2>
        <TextButton onPress={onChange}>
          {words.change} <span class="sr-only">{title}</span>
        </TextButton>
      </div>
      {children}
    </section>
  )
}

/** Names and values, side by side where there is room. */
export function SummaryValues({ values }: { values: { name: string; value: string }[] }) {
  return (
    <dl class="space-y-1.5 text-[0.9375rem]">
      {values.map(({ name, value }) => (
        <div key={name} class="grid gap-x-4 sm:grid-cols-[9rem_1fr]">
          <dt class="text-soft">{name}</dt>
          <dd class="break-words">{value}</dd>
        </div>
      ))}
    </dl>
  )
}
