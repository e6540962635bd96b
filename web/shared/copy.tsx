import { useEffect, useRef, useState } from 'preact/hooks'
import { Icon } from './icons.tsx'
import { useSpeech } from './words.tsx'

/** A value with its copy button. `what` names it for screen readers, `text` is what lands on the clipboard. */
export function CopyButton({ what, text, children }: { what: string; text: string; children?: string }) {
  const { words } = useSpeech()
  const [copied, setCopied] = useState(false)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])

  const copy = async () => {
    setCopied(await copyText(text))
    clearTimeout(timer.current)
    timer.current = setTimeout(setCopied, 2500, false)
  }
  return (
    <button
      type="button"
      class={`inline-flex min-h-11 min-w-11 items-center justify-center gap-1.5 rounded-lg px-2.5 text-sm font-medium hover:bg-side ${copied ? 'text-good' : 'text-brand-text'}`}
      aria-label={children ? undefined : words.copyWhat(what)}
      onClick={copy}
    >
      <Icon name={copied ? 'check' : 'copy'} class="size-4.5" />
      <span class={children ? '' : 'max-sm:sr-only'} aria-live="polite">
        {copied ? words.copied : (children ?? words.copy)}
      </span>
    </button>
  )
}

/** The clipboard needs https and leave; where it is refused a selected text field does it the old way. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = document.createElement('textarea')
    area.value = text
    area.readOnly = true
    area.className = 'fixed opacity-0'
    document.body.append(area)
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    return done
  }
}
