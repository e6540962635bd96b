import { useEffect, useRef, useState } from 'preact/hooks'
import type { KybPerson } from '../../src/hosted/kyb-wire.ts'
import { Button, focusFirstInvalid, Notice } from '../shared/controls.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { Refusals } from './check-step.tsx'
import { typedOf } from './company-step.tsx'
import { Declare, useDeclaration } from './declaration.tsx'
import { CompanyFields, PersonFields, useCompanyProblems, usePersonProblems } from './fields.tsx'
import { PaperSlot } from './paper-slot.tsx'
import { PeopleList } from './people-list.tsx'
import { typedPerson, usePersonDraft } from './person-draft.ts'
import { PersonPhoto } from './photos-screen.tsx'
import { fullName, problemText, type Scene, useKybAction, useKybSpeech } from './scene.ts'
import {
  companyFieldsToMend,
  hasPaper,
  missingPhotos,
  papers,
  peopleFault,
  personFieldsToMend,
} from './steps.ts'

/** What is typed of a person, as the screen that sends it all needs it. */
interface Mending {
  /** Marks what is wrong; true when something is. */
  showAll(): boolean
  save(): Promise<boolean>
}

/** Just what was rejected, each with its reason; everything else stays as it was sent. */
export function MendScreen({ scene }: { scene: Scene }) {
  const { words } = useKybSpeech()
  const { view, api, draft } = scene
  const form = useRef<HTMLFormElement>(null)
  const people = useRef(new Map<string, Mending>())
  const [tried, setTried] = useState(false)
  const declaration = useDeclaration(view)
  const action = useKybAction(scene)
  const fields = companyFieldsToMend(view)
  const problems = useCompanyProblems(scene, fields, action.problem)
  const wanted = papers.filter((kind) => view.asked.includes(kind))
  const lacking = wanted.filter((kind) => !hasPaper(view, kind))
  const wholePeople = view.asked.includes('people')
  const fault = peopleFault(view)
  const general = view.reasons.filter(({ field }) => field === null || field === 'people')

  const saveAll = async (): Promise<boolean> => {
    if (fields.length > 0) {
      const saved = await action.run(
        () => api.saveCompany(typedOf(scene, fields)),
        (next) => next,
      )
      if (!saved) return false
      draft.forget(fields)
    }
    // A copy: each answer draws the people anew, and they register anew.
    for (const mending of [...people.current.values()]) if (!(await mending.save())) return false
    return true
  }
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (action.busy) return
    setTried(true)
    const marked = [problems.showAll(), ...[...people.current.values()].map((one) => one.showAll())]
    const incomplete = marked.includes(true) || lacking.length > 0 || fault !== null
    if (incomplete || !declaration.isWhole) return focusFirstInvalid(form.current)
    const sent =
      (await saveAll()) &&
      (await action.run(
        () => api.submit(declaration.request()),
        (next) => next,
      ))
    if (!sent) focusFirstInvalid(form.current)
  }
  return (
    <form ref={form} noValidate onSubmit={submit}>
      <StepHeading page={view.brand.name}>{words.mendTitle}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{words.mendIntro}</p>
      <div class="space-y-5">
        {general.map((reason) => (
          <Notice key={`${reason.field}-${reason.code}`} tone="warn">
            {problemText(words, view, reason.code, reason.text)}
          </Notice>
        ))}
        <CompanyFields scene={scene} fields={fields} problems={problems} />
        {wanted.map((kind) => (
          <PaperSlot key={kind} scene={scene} kind={kind} missing={tried && lacking.includes(kind)} />
        ))}
        {wholePeople ? (
          <PeopleList scene={scene} />
        ) : (
          view.people.map((person) => (
            <MendPerson
              key={person.id}
              scene={scene}
              person={person}
              tried={tried}
              register={(mending) => {
                if (mending) people.current.set(person.id, mending)
                else people.current.delete(person.id)
              }}
            />
          ))
        )}
        {tried && (lacking.length > 0 || fault) && (
          <Notice tone="bad" urgent>
            {fault && wholePeople ? words[`people_${fault}`] : words.missingTitle}
          </Notice>
        )}
        <Declare
          scene={scene}
          declaration={declaration}
          tried={tried}
          errors={action.problem?.errors ?? {}}
        />
        <Refusals scene={scene} problem={action.problem} />
        <Button type="submit" busy={action.busy}>
          {words.mendSend}
        </Button>
      </div>
    </form>
  )
}

interface MendPersonProps {
  scene: Scene
  person: KybPerson
  tried: boolean
  register: (mending: Mending | null) => void
}

function MendPerson({ scene, person, tried, register }: MendPersonProps) {
  const { view, api } = scene
  const fields = personFieldsToMend(view, person.id)
  const draft = usePersonDraft(view, api.token, person.id)
  const action = useKybAction(scene)
  const problems = usePersonProblems(view, person.id, draft, fields, action.problem)
  const photos = person.needs.filter((kind) => view.asked.includes(`people.${person.id}.${kind}`))
  const missing = missingPhotos(person)

  useEffect(() => {
    if (fields.length === 0) return
    register({
      showAll: problems.showAll,
      async save() {
        const saved = await action.run(
          () => api.savePerson(person.id, typedPerson(draft, fields)),
          (answer) => answer.view,
        )
        if (saved) draft.forget(fields)
        return saved !== null
      },
    })
    return () => register(null)
  })
  if (fields.length === 0 && photos.length === 0) return null
  const reasonText = (field: string) =>
    view.reasons.find((reason) => reason.field === `people.${person.id}.${field}`)?.text
  return (
    <section aria-label={fullName(person)} class="space-y-5 border-t border-line pt-5">
      <h2 class="text-lg font-semibold">{fullName(person)}</h2>
      <PersonFields scene={scene} draft={draft} fields={fields} problems={problems} reasonText={reasonText} />
      {photos.map((kind) => (
        <PersonPhoto
          key={kind}
          scene={scene}
          person={person}
          kind={kind}
          missing={tried && missing.includes(kind)}
        />
      ))}
      {action.problem && (
        <Notice tone="bad" urgent>
          {action.problem.text}
        </Notice>
      )}
    </section>
  )
}
