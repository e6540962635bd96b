import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { Icon } from './icons.tsx'
import { useSpeech } from './words.tsx'

interface DialogProps {
  title: string
  onClose: () => void
  children: ComponentChildren
}

/** The browser's own modal dialog: it holds the focus, closes by Escape and gives the focus back. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null)
  const id = useId()
  const { words } = useSpeech()
  useEffect(() => {
    const before = document.activeElement
    const dialog = box.current
    const closeBesides = (event: MouseEvent) => event.target === dialog && onClose()
    dialog?.showModal()
    dialog?.addEventListener('click', closeBesides)
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={box}
      aria-labelledby={id}
      class="appear m-auto max-h-[calc(100dvh-2rem)] w-[calc(100%-2rem)] max-w-md overflow-y-auto rounded-2xl bg-page text-ink shadow-2xl backdrop:bg-black/50"
      onClose={onClose}
    >
      <div class="p-6">
        <div class="mb-3 flex items-start justify-between gap-3">
          <h2 id={id} class="text-xl font-semibold">
            {title}
          </h2>
          <button
            type="button"
            class="-mt-2 -mr-3 grid size-11 place-items-center rounded-lg text-soft hover:bg-side"
            aria-label={words.close}
            onClick={onClose}
          >
            <Icon name="cross" />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  )
}
