import type { ComponentChildren } from 'preact'
import { useLayoutEffect } from 'preact/hooks'
import type { Language } from '../../src/hosted/wire.ts'
import { Icon, type IconName } from './icons.tsx'
import { languages } from './language.ts'
import { useSpeech } from './words.tsx'

interface LonelyMessageProps {
  title: string
  text: string
  icon?: IconName
  children?: ComponentChildren
}

/** A page with nothing to show but a word: no such payment, a used link. It knows no brand, since nobody told it one. */
export function LonelyMessage({ title, text, icon = 'search', children }: LonelyMessageProps) {
  const { words, language, choose } = useSpeech()
  useLayoutEffect(() => {
    document.title = title
  }, [title])
  return (
    <main class="mx-auto flex min-h-dvh max-w-md flex-col justify-center p-6 text-center">
      <span class="mx-auto mb-5 grid size-16 place-items-center rounded-full bg-side text-soft">
        <Icon name={icon} class="size-8" />
      </span>
      <h1 class="text-2xl font-semibold">{title}</h1>
      <p class="mt-2 mb-6 text-soft">{text}</p>
      {children}
      <ul class="mt-6 flex justify-center text-sm text-soft" aria-label={words.language}>
        {languages.map((code: Language) => (
          <li key={code}>
            <button
              type="button"
              lang={code}
              aria-pressed={code === language}
              class="min-h-11 rounded-md px-2 uppercase underline-offset-4 hover:underline aria-pressed:font-semibold aria-pressed:text-ink"
              onClick={() => choose(code)}
            >
              {code}
            </button>
          </li>
        ))}
      </ul>
    </main>
  )
}
