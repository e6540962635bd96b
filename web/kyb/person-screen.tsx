import { useRef } from 'preact/hooks'
import type { PersonField } from '../../src/hosted/kyb-wire.ts'
import { Button, focusFirstInvalid, Notice, TextButton } from '../shared/controls.tsx'
import { StepHeading, TestValue, TestValues } from '../shared/frame.tsx'
import { type PersonDraft, PersonFields, usePersonProblems } from './fields.tsx'
import { typedPerson, usePersonDraft } from './person-draft.ts'
import { fullName, type Scene, useKybAction, useKybSpeech } from './scene.ts'
import { missingPhotos, personFields } from './steps.ts'

const identity = personFields.slice(0, personFields.indexOf('is_representative'))
const roles: readonly PersonField[] = ['is_representative', 'is_owner', 'ownership_percent']

/** One person's data; the photos come after, when it is known which paper it is. */
export function PersonScreen({ scene, id }: { scene: Scene; id: string | null }) {
  const { words } = useKybSpeech()
  const { view, api, go } = scene
  const form = useRef<HTMLFormElement>(null)
  const draft = usePersonDraft(view, api.token, id)
  const action = useKybAction(scene)
  const problems = usePersonProblems(view, id, draft, personFields, action.problem)
  const person = view.people.find((one) => one.id === id)

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (action.busy) return
    if (problems.showAll()) return focusFirstInvalid(form.current)
    const result = await action.run(
      () => api.savePerson(id, typedPerson(draft, personFields)),
      (answer) => answer.view,
    )
    if (!result) return focusFirstInvalid(form.current)
    draft.forget(personFields)
    const saved = result.view.people.find((one) => one.id === result.person)
    go(saved && missingPhotos(saved).length > 0 ? `photos-${saved.id}` : 'people')
  }
  const shared = { scene, draft, problems, reasonText: () => undefined }
  return (
    <form ref={form} noValidate onSubmit={submit}>
      <StepHeading page={view.brand.name}>{person ? fullName(person) : words.personTitle}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{words.personIntro}</p>
      <div class="space-y-5">
        {!person && <TestPerson scene={scene} draft={draft} />}
        <PersonFields fields={identity} {...shared} />
        <fieldset class="min-w-0">
          <legend class="mb-1.5 text-sm font-medium">{words.rolesTitle}</legend>
          <div class="card space-y-1 px-4 pt-1.5 pb-3">
            <PersonFields fields={roles} {...shared} />
          </div>
        </fieldset>
        <PersonFields fields={['is_politically_exposed']} {...shared} />
        {action.problem && (
          <Notice tone="bad" urgent>
            {action.problem.text}
          </Notice>
        )}
      </div>
      <div class="mt-7 space-y-2">
        <Button type="submit" busy={action.busy}>
          {words.continue}
        </Button>
        <div class="text-center">
          <TextButton quiet onPress={() => go('people')}>
            {words.backToPeople}
          </TextButton>
        </div>
      </div>
    </form>
  )
}

/** In the sandbox: a person who passes every check, on tap. */
function TestPerson({ scene, draft }: { scene: Scene; draft: PersonDraft }) {
  const { words } = useKybSpeech()
  const values = scene.view.sandbox?.person
  if (!values) return null
  const fill = () => {
    for (const field of personFields) {
      const value = values[field]
      if (value !== undefined) draft.set(field, typeof value === 'boolean' ? (value ? 'yes' : 'no') : value)
    }
  }
  return (
    <TestValues>
      <TestValue onPress={fill}>{words.fillTest}</TestValue>
    </TestValues>
  )
}
