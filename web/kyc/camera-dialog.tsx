import { useEffect, useRef, useState } from 'preact/hooks'
import type { PhotoKind } from '../../src/hosted/wire.ts'
import { Button, Notice } from '../shared/controls.tsx'
import { Dialog } from '../shared/dialog.tsx'
import { useKycSpeech } from './scene.ts'

interface CameraDialogProps {
  kind: PhotoKind
  onShot: (picture: Blob) => void
  onClose: () => void
}

/** The computer's camera with a frame to fit the document or the face into. */
export function CameraDialog({ kind, onShot, onClose }: CameraDialogProps) {
  const { words } = useKycSpeech()
  const video = useRef<HTMLVideoElement>(null)
  const [state, setState] = useState<'starting' | 'live' | 'denied'>('starting')
  const face = kind === 'face_image'

  useEffect(() => {
    let left = false
    let stream: MediaStream | null = null
    const start = async () => {
      const wish = { facingMode: face ? 'user' : 'environment', width: { ideal: 1920 } }
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: wish })
        if (left) return stop(stream)
        video.current!.srcObject = stream
        await video.current!.play()
        setState('live')
      } catch {
        // Denied, missing, or in use: the way on is the same, and the text says it.
        if (!left) setState('denied')
      }
    }
    void start()
    return () => {
      left = true
      stop(stream)
    }
  }, [])

  const shoot = () => {
    const { videoWidth, videoHeight } = video.current!
    const canvas = document.createElement('canvas')
    canvas.width = videoWidth
    canvas.height = videoHeight
    canvas.getContext('2d')!.drawImage(video.current!, 0, 0)
    canvas.toBlob((blob) => blob && onShot(blob), 'image/jpeg', 0.95)
  }
  return (
    <Dialog title={words.cameraTitle} onClose={onClose}>
      <div class="space-y-4">
        {state === 'denied' ? (
          <Notice tone="warn" urgent>
            {words.cameraDenied}
          </Notice>
        ) : (
          <>
            <p class="text-soft">{face ? words.cameraFace : words.cameraDocument}</p>
            <div class="relative aspect-[4/3] overflow-hidden rounded-xl bg-black">
              <video
                ref={video}
                class={`size-full object-cover ${face ? '-scale-x-100' : ''}`}
                playsInline
                muted
              />
              <span
                class={`absolute border-3 border-white/90 shadow-[0_0_0_100vmax_rgb(0_0_0/0.45)] ${
                  face
                    ? 'inset-y-[6%] left-1/2 aspect-[3/4] -translate-x-1/2 rounded-[50%]'
                    : 'inset-[10%] rounded-xl'
                }`}
                aria-hidden="true"
              />
            </div>
            <Button icon="camera" busy={state === 'starting'} onPress={shoot}>
              {words.shoot}
            </Button>
          </>
        )}
      </div>
    </Dialog>
  )
}

function stop(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop()
}
