/** One photo: take or choose, look at it, send it, and see what the server thinks of it. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { KycReason, KycView, PhotoKind, PhotoProblem } from '../../src/hosted/wire.ts'
import { Button, Notice } from '../shared/controls.tsx'
import { TestValue, TestValues } from '../shared/frame.tsx'
import { Icon, Spinner } from '../shared/icons.tsx'
import type { Live, Versioned } from '../shared/live.ts'
import { CameraDialog } from './camera-dialog.tsx'
import { preparePicture } from './picture.ts'
import { problemText, useKycAction, useKycSpeech } from './scene.ts'

/** What a photo needs of its form, whichever form that is. */
export interface PhotoScene<V extends Versioned> {
  view: Pick<KycView, 'photos' | 'min_age'> & {
    reasons: Pick<KycReason, 'field' | 'code' | 'text'>[]
    sandbox: object | null
  }
  live: Live<V>
  api: { photo(kind: PhotoKind, picture: Blob): Promise<{ view: V }> }
}

interface PhotoSlotProps<V extends Versioned> {
  scene: PhotoScene<V>
  kind: PhotoKind
  missing: boolean
}

type Held =
  /** Nothing taken in this visit; what the server has is in the view. */
  | { state: 'none' }
  | { state: 'looking' }
  | { state: 'unreadable_file' }
  /** Poor: the customer decides. */
  | { state: 'poor'; blob: Blob; url: string; problems: PhotoProblem[] }
  | { state: 'given'; url: string }

export function PhotoSlot<V extends Versioned>({ scene, kind, missing }: PhotoSlotProps<V>) {
  const { words } = useKycSpeech()
  const { view, api } = scene
  const [held, setHeld] = useHeldPicture()
  const [camera, setCamera] = useState(false)
  const action = useKycAction(scene)
  const photo = view.photos.find((one) => one.kind === kind)
  const reason = view.reasons.find((one) => one.field === kind)
  const name = words[`field_${kind}`]

  const send = async (blob: Blob, url: string) => {
    setHeld({ state: 'given', url })
    const result = await action.run(
      () => api.photo(kind, blob),
      (answer) => answer.view,
    )
    if (!result) setHeld({ state: 'none' })
  }
  const take = async (file: Blob) => {
    action.clear()
    setHeld({ state: 'looking' })
    const picture = await preparePicture(file)
    if (!picture) return setHeld({ state: 'unreadable_file' })
    const url = URL.createObjectURL(picture.blob)
    if (picture.problems.length === 0) await send(picture.blob, url)
    else setHeld({ state: 'poor', blob: picture.blob, url, problems: picture.problems })
  }
  const sample = async () => {
    const { samplePhoto } = await import('./sample-photo.ts')
    await take(await samplePhoto(kind))
  }
  const busy = held.state === 'looking' || action.busy
  return (
    <section class="card overflow-hidden" aria-label={name}>
      <h2 class="px-4 pt-3.5 font-semibold">{name}</h2>
      <div class="space-y-3 p-4">
        <Preview kind={kind} held={held} received={Boolean(photo)} busy={busy} />
        <div aria-live="polite" class="space-y-3">
          {reason && !photo && held.state === 'none' && (
            <Notice tone="bad">{problemText(words, view, reason.code, reason.text)}</Notice>
          )}
          {missing && held.state === 'none' && !reason && <Notice tone="bad">{words.photoMissing}</Notice>}
          {held.state === 'unreadable_file' && <Notice tone="bad">{words.photo_not_an_image}</Notice>}
          {action.problem && (
            <Notice tone="bad">
              {action.problem.code === 'invalid_file' ? words.photo_not_an_image : action.problem.text}
            </Notice>
          )}
          <Verdict held={held} sent={photo && !busy ? photo.problems : null} />
        </div>
        {held.state === 'poor' ? (
          <>
            <Pick kind={kind} again onFile={take} onCamera={() => setCamera(true)} />
            <Button kind="plain" onPress={() => void send(held.blob, held.url)}>
              {words.useAnyway}
            </Button>
          </>
        ) : (
          !busy && (
            <Pick
              kind={kind}
              again={Boolean(photo)}
              quiet={Boolean(photo)}
              onFile={take}
              onCamera={() => setCamera(true)}
            />
          )
        )}
        {view.sandbox && !busy && !photo && (
          <TestValues of={name}>
            <TestValue onPress={() => void sample()}>
              {words.samplePhoto} <span class="sr-only">{name}</span>
            </TestValue>
          </TestValues>
        )}
      </div>
      {camera && (
        <CameraDialog
          kind={kind}
          onShot={(blob) => {
            setCamera(false)
            void take(blob)
          }}
          onClose={() => setCamera(false)}
        />
      )}
    </section>
  )
}

/** Frees the preview's memory when another takes its place. */
function useHeldPicture(): [Held, (held: Held) => void] {
  const [held, setHeld] = useState<Held>({ state: 'none' })
  const url = 'url' in held ? held.url : null
  useEffect(() => () => void (url && URL.revokeObjectURL(url)), [url])
  return [held, setHeld]
}

interface PreviewProps {
  kind: PhotoKind
  held: Held
  received: boolean
  busy: boolean
}

function Preview({ kind, held, received, busy }: PreviewProps) {
  const { words } = useKycSpeech()
  const shape = kind === 'face_image' ? 'aspect-[4/5] max-w-56 mx-auto' : 'aspect-[1.586]'
  return (
    <div
      class={`relative grid w-full place-items-center overflow-hidden rounded-xl border border-dashed border-edge bg-side text-soft ${shape}`}
    >
      {'url' in held ? (
        <img
          class="size-full object-contain"
          src={held.url}
          alt={words.photoPreview(words[`field_${kind}`])}
        />
      ) : received ? (
        <span class="grid place-items-center gap-2 text-good">
          <Icon name="check" class="size-10" />
          {words.photoSent}
        </span>
      ) : (
        <Icon name={kind === 'face_image' ? 'face' : 'id'} class="size-14 opacity-60" />
      )}
      {busy && (
        <span class="absolute inset-0 grid place-items-center bg-page/75">
          <span class="flex items-center gap-2 font-medium text-ink" role="status">
            <Spinner /> {held.state === 'looking' ? words.looking : words.sending}
          </span>
        </span>
      )}
    </div>
  )
}

/** In words: what is poor, by the page before sending, by the server after. */
function Verdict({ held, sent }: { held: Held; sent: PhotoProblem[] | null }) {
  const { words } = useKycSpeech()
  const problems = held.state === 'poor' ? held.problems : (sent ?? [])
  if (problems.length > 0) {
    return (
      <Notice tone="warn">
        {problems.map((problem) => (
          <p key={problem}>{words[`photo_${problem}`]}</p>
        ))}
      </Notice>
    )
  }
  if (sent === null || held.state !== 'given') return null
  return (
    <p class="flex items-center gap-1.5 text-sm text-good">
      <Icon name="check" class="size-4" />
      {words.photoGood}
    </p>
  )
}

interface PickProps {
  kind: PhotoKind
  again: boolean
  quiet?: boolean
  onFile: (file: Blob) => Promise<void>
  onCamera: () => void
}

/**
 * On a phone the system's own camera is the best there is, and a file field with `capture` opens it. Elsewhere the
 * page looks through the camera itself.
 */
function Pick({ kind, again, quiet, onFile, onCamera }: PickProps) {
  const { words } = useKycSpeech()
  const camera = useRef<HTMLInputElement>(null)
  const files = useRef<HTMLInputElement>(null)
  const give = (input: HTMLInputElement) => {
    const file = input.files?.[0]
    // The same file can be chosen again only if the field forgets it.
    input.value = ''
    if (file) void onFile(file)
  }
  const shoot = () => {
    if (matchMedia('(pointer: coarse)').matches) camera.current?.click()
    else onCamera()
  }
  const name = words[`field_${kind}`]
  return (
    <div class="grid gap-2.5">
      <Button kind={quiet ? 'plain' : 'main'} icon="camera" onPress={shoot}>
        {again ? words.retake : words.takePhoto} <span class="sr-only">{name}</span>
      </Button>
      <Button kind="plain" icon="upload" onPress={() => files.current?.click()}>
        {words.chooseFile} <span class="sr-only">{name}</span>
      </Button>
      <input
        ref={camera}
        type="file"
        class="hidden"
        accept="image/jpeg,image/png,image/webp"
        capture={kind === 'face_image' ? 'user' : 'environment'}
        aria-label={`${words.takePhoto}: ${name}`}
        onChange={(event) => give(event.currentTarget)}
      />
      <input
        ref={files}
        type="file"
        class="hidden"
        name={kind}
        accept="image/jpeg,image/png,image/webp"
        aria-label={`${words.chooseFile}: ${name}`}
        onChange={(event) => give(event.currentTarget)}
      />
    </div>
  )
}
