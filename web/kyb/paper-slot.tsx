/** One paper of the company: choose or photograph it, and see that it arrived. */
import { useRef, useState } from 'preact/hooks'
import type { CompanyDocumentKind } from '../../src/hosted/kyb-wire.ts'
import { sizeText } from '../onboarding/ranges.ts'
import { Button, Notice } from '../shared/controls.tsx'
import { TestValue, TestValues } from '../shared/frame.tsx'
import { Icon, Spinner } from '../shared/icons.tsx'
import { problemText, type Scene, useKybAction, useKybSpeech } from './scene.ts'

const mostBytes = 10 * 1024 * 1024
const accepted = 'application/pdf,image/jpeg,image/png,image/webp'

interface PaperSlotProps {
  scene: Scene
  kind: CompanyDocumentKind
  missing: boolean
}

export function PaperSlot({ scene, kind, missing }: PaperSlotProps) {
  const { words, language } = useKybSpeech()
  const { view, api } = scene
  const files = useRef<HTMLInputElement>(null)
  const [tooLarge, setTooLarge] = useState(false)
  const action = useKybAction(scene)
  const given = view.documents.find((document) => document.kind === kind)
  const reason = view.reasons.find((one) => one.field === kind)
  const name = words[`company_field_${kind}`]

  const give = async (file: Blob) => {
    action.clear()
    setTooLarge(file.size > mostBytes)
    if (file.size > mostBytes) return
    await action.run(
      () => api.document(kind, file),
      (next) => next,
    )
  }
  const choose = (input: HTMLInputElement) => {
    const file = input.files?.[0]
    // The same file can be chosen again only if the field forgets it.
    input.value = ''
    if (file) void give(file)
  }
  const sample = async () => {
    const { sampleDocument } = await import('../onboarding/sample-document.ts')
    await give(sampleDocument())
  }
  return (
    <section class="card p-4" aria-label={name}>
      <div class="flex items-start gap-3">
        <span
          class={`grid size-10 shrink-0 place-items-center rounded-lg ${given ? 'bg-good-back text-good' : 'bg-side text-soft'}`}
        >
          {action.busy ? <Spinner /> : <Icon name={given ? 'check' : 'upload'} />}
        </span>
        <div class="min-w-0">
          <h2 class="font-semibold">{name}</h2>
          <p class="mt-0.5 text-sm text-soft" role={action.busy ? 'status' : undefined}>
            {action.busy
              ? words.sending
              : given
                ? words.paperGiven(fileKind(given.mime), sizeText(language, given.bytes))
                : words[`hint_${kind}`]}
          </p>
        </div>
      </div>
      <div aria-live="polite" class="mt-3 space-y-3 empty:hidden">
        {reason && !given && <Notice tone="bad">{problemText(words, view, reason.code, reason.text)}</Notice>}
        {missing && !reason && !action.problem && <Notice tone="bad">{words.paperMissing}</Notice>}
        {tooLarge && <Notice tone="bad">{words.fileTooLarge}</Notice>}
        {action.problem && <Notice tone="bad">{action.problem.text}</Notice>}
      </div>
      {!action.busy && (
        <div class="mt-3.5">
          <Button kind="plain" icon="upload" onPress={() => files.current?.click()}>
            {given ? words.paperReplace : words.paperChoose} <span class="sr-only">{name}</span>
          </Button>
          <input
            ref={files}
            type="file"
            class="hidden"
            name={kind}
            accept={accepted}
            aria-label={`${words.paperChoose}: ${name}`}
            onChange={(event) => choose(event.currentTarget)}
          />
        </div>
      )}
      {view.sandbox && !given && !action.busy && (
        <div class="mt-3">
          <TestValues of={name}>
            <TestValue onPress={() => void sample()}>
              {words.samplePaper} <span class="sr-only">{name}</span>
            </TestValue>
          </TestValues>
        </div>
      )}
    </section>
  )
}

const fileKind = (mime: string): string => (mime === 'application/pdf' ? 'PDF' : 'JPEG')
