import { useEffect, useState } from 'preact/hooks'
import type { Handover } from '../../src/hosted/wire.ts'
import { Notice } from '../shared/controls.tsx'
import { CopyButton } from '../shared/copy.tsx'
import { Dialog } from '../shared/dialog.tsx'
import { QrCode } from '../shared/qr.tsx'
import { problemOf } from '../shared/use-action.ts'
import { ownText, type Scene, usePaymentSpeech } from './scene.ts'

/** A link that works once. Opening it elsewhere makes this browser a viewer, which the live view then shows. */
export function HandoverDialog({ scene, onClose }: { scene: Scene; onClose: () => void }) {
  const { words, format } = usePaymentSpeech()
  const [link, setLink] = useState<Handover | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  useEffect(() => {
    scene.api.handover().then(setLink, (error) => {
      setProblem(problemOf(error, words, (code) => ownText(words, `error_${code}`)).text)
    })
  }, [])
  return (
    <Dialog title={words.onPhoneTitle} onClose={onClose}>
      <p class="text-soft">{words.handoverText}</p>
      <div class="my-5 grid min-h-52 place-items-center" aria-live="polite">
        {problem && <Notice tone="bad">{problem}</Notice>}
        {!problem && !link && <p class="text-soft">{words.handoverMaking}</p>}
        {link && <QrCode text={link.url} label={words.onPhoneTitle} />}
      </div>
      {link && (
        <div class="flex flex-wrap items-center justify-between gap-2">
          <p class="text-sm text-soft">{words.handoverUntil(format.time(link.expires_at))}</p>
          <CopyButton what={words.copyLink} text={link.url}>
            {words.copyLink}
          </CopyButton>
        </div>
      )}
    </Dialog>
  )
}
