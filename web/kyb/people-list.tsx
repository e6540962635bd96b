/** The company's people: who they are, what is missing of each, and the ways to change, photograph or take out. */
import { useState } from 'preact/hooks'
import type { KybPerson } from '../../src/hosted/kyb-wire.ts'
import { Button, Notice, TextButton } from '../shared/controls.tsx'
import { Dialog } from '../shared/dialog.tsx'
import { Icon } from '../shared/icons.tsx'
import { fullName, percentText, rolesText, type Scene, useKybAction, useKybSpeech } from './scene.ts'
import { missingPhotos, sharesOf } from './steps.ts'

export function PeopleList({ scene }: { scene: Scene }) {
  const { words, language } = useKybSpeech()
  const { view, go } = scene
  const shares = sharesOf(view.people)
  return (
    <div class="space-y-4">
      {view.people.length > 0 && (
        <ul class="space-y-3">
          {view.people.map((person) => (
            <Person key={person.id} scene={scene} person={person} />
          ))}
        </ul>
      )}
      {shares > 0 && (
        <p class="text-sm text-soft">{words.sharesTogether(percentText(language, shares / 100))}</p>
      )}
      {view.people.length < view.most_people && (
        <Button
          kind={view.people.length === 0 ? 'main' : 'plain'}
          icon="user"
          onPress={() => go('person-new')}
        >
          {view.people.length === 0 ? words.addPerson : words.addAnother}
        </Button>
      )}
    </div>
  )
}

function Person({ scene, person }: { scene: Scene; person: KybPerson }) {
  const { words, language } = useKybSpeech()
  const { go } = scene
  const [removing, setRemoving] = useState(false)
  const name = fullName(person)
  const lacks = missingPhotos(person).length > 0
  const roles = rolesText(words, language, person)
  return (
    <li class="card px-4 pt-3.5 pb-1">
      <h2 class="font-semibold break-words">{name}</h2>
      <p class="text-sm text-soft">{roles}</p>
      <p class={`mt-2 flex items-center gap-1.5 text-sm ${lacks ? 'text-warn' : 'text-good'}`}>
        <Icon name={lacks ? 'alert' : 'check'} class="size-4" />
        {lacks ? words.personLacksPhotos : words.personComplete}
      </p>
      <div class="mt-3 flex flex-wrap gap-x-5 border-t border-line">
        <TextButton onPress={() => go(`photos-${person.id}`)}>
          {lacks ? words.addPhotos : words.photosSection} <span class="sr-only">{name}</span>
        </TextButton>
        <TextButton onPress={() => go(`person-${person.id}`)}>
          {words.change} <span class="sr-only">{name}</span>
        </TextButton>
        <TextButton quiet onPress={() => setRemoving(true)}>
          {words.remove} <span class="sr-only">{name}</span>
        </TextButton>
      </div>
      {removing && <RemoveDialog scene={scene} person={person} onClose={() => setRemoving(false)} />}
    </li>
  )
}

function RemoveDialog(props: { scene: Scene; person: KybPerson; onClose: () => void }) {
  const { scene, person, onClose } = props
  const { words } = useKybSpeech()
  const action = useKybAction(scene)
  const remove = () =>
    void action.run(
      () => scene.api.removePerson(person.id),
      (next) => next,
    )
  return (
    <Dialog title={words.removeTitle(fullName(person))} onClose={onClose}>
      <div class="space-y-4">
        <p class="text-soft">{words.removeText}</p>
        {action.problem && (
          <Notice tone="bad" urgent>
            {action.problem.text}
          </Notice>
        )}
        <Button busy={action.busy} onPress={remove}>
          {words.remove}
        </Button>
        <Button kind="plain" onPress={onClose}>
          {words.keep}
        </Button>
      </div>
    </Dialog>
  )
}
