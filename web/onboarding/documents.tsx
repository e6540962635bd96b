/** The documents of the declaration: those given, and the way to give another. */
import { useRef, useState } from 'preact/hooks'
import type { DocumentType, OnboardingDocument } from '../../src/hosted/onboarding-wire.ts'
import { Button, Notice, SelectField } from '../shared/controls.tsx'
import { TestValue, TestValues } from '../shared/frame.tsx'
import { Icon } from '../shared/icons.tsx'
import { sizeText } from './ranges.ts'
import { documentName, problemText, type Scene, useOnboardingAction, useOnboardingSpeech } from './scene.ts'

const mostBytes = 10 * 1024 * 1024

/** `missing`: the customer tried to go on without one. */
export function Documents({ scene, missing }: { scene: Scene; missing: boolean }) {
  const { words } = useOnboardingSpeech()
  const { view, api } = scene
  const types = sortedTypes(scene)
  const [chosen, setChosen] = useState<DocumentType | null>(null)
  const [tooLarge, setTooLarge] = useState(false)
  const action = useOnboardingAction(scene)
  const type = chosen ?? types[0] ?? 'other'
  const reason = view.reasons.find((one) => one.field === 'documents')
  const isFull = view.documents.filter((document) => document.removable).length >= view.most_documents

  const give = async (file: Blob, name: string) => {
    action.clear()
    setTooLarge(file.size > mostBytes)
    if (file.size > mostBytes) return
    await action.run(
      () => api.addDocument(type, file, name),
      (next) => next,
    )
  }
  const sample = async () => {
    const { sampleDocument } = await import('./sample-document.ts')
    await give(sampleDocument(), words.sampleName)
  }
  return (
    <section aria-label={words.field_documents} class="space-y-4">
      <div>
        <h2 class="font-semibold">{words.field_documents}</h2>
        <p class="mt-0.5 text-sm text-soft">{words.documentsIntro}</p>
      </div>
      {reason && <Notice tone="bad">{problemText(words, reason.code, reason.text)}</Notice>}
      <Given scene={scene} />
      {!isFull && (
        <div class="card space-y-4 p-4">
          <SelectField
            label={words.documentType}
            name="document_type"
            value={type}
            onValue={(value) => setChosen(value as DocumentType)}
            options={types.map((one) => ({ value: one, label: documentName(words, one) }))}
          />
          <Pick busy={action.busy} onFile={give} again={view.documents.length > 0} />
          {view.sandbox && !action.busy && (
            <TestValues of={words.field_documents}>
              <TestValue onPress={() => void sample()}>{words.sampleDocument}</TestValue>
            </TestValues>
          )}
        </div>
      )}
      <div aria-live="polite" class="space-y-3 empty:hidden">
        {tooLarge && <Notice tone="bad">{words.documentTooLarge}</Notice>}
        {action.problem && <Notice tone="bad">{action.problem.text}</Notice>}
        {missing && !action.problem && <Notice tone="bad">{words.documentMissing}</Notice>}
      </div>
    </section>
  )
}

/** What best proves the chosen source comes first. */
function sortedTypes({ view, draft }: Scene): DocumentType[] {
  const usual = view.usual_documents[draft.get('source_of_funds')] ?? []
  return [...usual, ...view.document_types.filter((type) => !usual.includes(type))]
}

function Given({ scene }: { scene: Scene }) {
  const { words, language } = useOnboardingSpeech()
  const { documents } = scene.view
  if (documents.length === 0) return null
  return (
    <ul class="card divide-y divide-line">
      {documents.map((document) => (
        <li
          key={document.id}
          class={`flex items-center gap-3 py-1.5 pl-4 ${document.removable ? 'pr-1.5' : 'pr-4'}`}
        >
          {document.removable ? (
            <Icon name="check" class="size-5 text-good" />
          ) : (
            <Icon name="clock" class="size-5 text-soft" />
          )}
          <div class="min-w-0 flex-1 py-1.5">
            <p class="font-medium">
              {documentName(words, document.type)}
              {!document.removable && <span class="font-normal text-soft"> · {words.documentSent}</span>}
            </p>
            <p class="flex text-sm text-soft">
              <span class="truncate">{document.name}</span>
              <span class="shrink-0 whitespace-pre"> · {sizeText(language, document.bytes)}</span>
            </p>
          </div>
          {document.removable && <Remove scene={scene} document={document} />}
        </li>
      ))}
    </ul>
  )
}

function Remove({ scene, document }: { scene: Scene; document: OnboardingDocument }) {
  const { words } = useOnboardingSpeech()
  const action = useOnboardingAction(scene)
  const remove = () => {
    if (action.busy) return
    void action.run(
      () => scene.api.removeDocument(document.id),
      (next) => next,
    )
  }
  return (
    <button
      type="button"
      class="grid size-11 shrink-0 place-items-center rounded-lg text-soft hover:bg-side hover:text-ink"
      aria-label={words.removeDocument(document.name)}
      aria-disabled={action.busy || undefined}
      onClick={remove}
    >
      <Icon name="cross" class="size-4.5" />
    </button>
  )
}

interface PickProps {
  busy: boolean
  again: boolean
  onFile: (file: Blob, name: string) => Promise<void>
}

function Pick({ busy, again, onFile }: PickProps) {
  const { words } = useOnboardingSpeech()
  const files = useRef<HTMLInputElement>(null)
  const give = (input: HTMLInputElement) => {
    const file = input.files?.[0]
    // The same file can be chosen again only if the field forgets it.
    input.value = ''
    if (file) void onFile(file, file.name)
  }
  return (
    <div>
      <Button kind="plain" icon="upload" busy={busy} onPress={() => files.current?.click()}>
        {again ? words.addAnother : words.addDocument}
      </Button>
      <p class="mt-2 text-sm text-soft">{words.documentRules}</p>
      <input
        ref={files}
        type="file"
        class="hidden"
        name="document"
        accept="application/pdf,image/jpeg,image/png,image/webp"
        aria-label={words.addDocument}
        onChange={(event) => give(event.currentTarget)}
      />
    </div>
  )
}
