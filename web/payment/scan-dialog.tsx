import { useEffect, useRef, useState } from 'preact/hooks'
import { Notice } from '../shared/controls.tsx'
import { Dialog } from '../shared/dialog.tsx'
import { usePaymentSpeech } from './scene.ts'

interface ScanDialogProps {
  onFound: (address: string) => void
  onClose: () => void
}

/** The camera, or a picture where there is none. The reader's code is loaded only when this opens. */
export function ScanDialog({ onFound, onClose }: ScanDialogProps) {
  const { words } = usePaymentSpeech()
  const video = useRef<HTMLVideoElement>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const [live, setLive] = useState(false)

  useEffect(() => {
    const leave = new AbortController()
    const look = async () => {
      try {
        const { scanCamera } = await import('./scan.ts')
        const found = await scanCamera(video.current!, leave.signal, () => setLive(true))
        if (found !== null) onFound(found)
      } catch {
        // Denied, missing, or used by another program: the customer can't do more than read why and paste.
        setProblem(words.scanDenied)
      }
    }
    void look()
    return () => leave.abort()
  }, [])

  const read = async (file: File | undefined) => {
    if (!file) return
    const { scanPicture } = await import('./scan.ts')
    const found = await scanPicture(file)
    if (found === null) setProblem(words.scanNothing)
    else onFound(found)
  }
  return (
    <Dialog title={words.scanTitle} onClose={onClose}>
      <p class="text-soft">{words.scanText}</p>
      <div class="my-4" aria-live="polite">
        {problem && <Notice tone="warn">{problem}</Notice>}
      </div>
      <video
        ref={video}
        class={`aspect-square w-full rounded-xl bg-black object-cover ${live ? '' : 'hidden'}`}
        playsInline
        muted
      />
      <label class="button button-plain mt-4 has-focus-visible:outline-3 has-focus-visible:outline-offset-2 has-focus-visible:outline-brand-text">
        {words.scanPicture}
        <input
          type="file"
          accept="image/*"
          class="sr-only"
          onChange={(event) => void read(event.currentTarget.files?.[0])}
        />
      </label>
    </Dialog>
  )
}
