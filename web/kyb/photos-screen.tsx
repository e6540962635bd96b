import { useState } from 'preact/hooks'
import type { KybPerson, PersonPhotoKind } from '../../src/hosted/kyb-wire.ts'
import type { KycReason } from '../../src/hosted/wire.ts'
import { PhotoSlot } from '../kyc/photo-slot.tsx'
import { Button, Notice, TextButton } from '../shared/controls.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { fullName, type Scene, useKybSpeech } from './scene.ts'
import { missingPhotos } from './steps.ts'

/** The photos of one person's document. */
export function PhotosScreen({ scene, id }: { scene: Scene; id: string }) {
  const { words } = useKybSpeech()
  const { view, go } = scene
  const [tried, setTried] = useState(false)
  const person = view.people.find((one) => one.id === id)
  if (!person) return null
  const missing = missingPhotos(person)
  return (
    <>
      <StepHeading page={view.brand.name}>{words.personPhotosTitle(fullName(person))}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{words.photosIntro}</p>
      <div class="space-y-5">
        {person.needs.map((kind) => (
          <PersonPhoto
            key={kind}
            scene={scene}
            person={person}
            kind={kind}
            missing={tried && missing.includes(kind)}
          />
        ))}
      </div>
      <div class="mt-7 space-y-2">
        {tried && missing.length > 0 && (
          <Notice tone="bad" urgent>
            {words.missingTitle}
          </Notice>
        )}
        <Button
          onPress={() => {
            setTried(true)
            if (missing.length === 0) go('people')
          }}
        >
          {words.continue}
        </Button>
        <div class="text-center">
          <TextButton quiet onPress={() => go('people')}>
            {words.backToPeople}
          </TextButton>
        </div>
      </div>
    </>
  )
}

interface PersonPhotoProps {
  scene: Scene
  person: KybPerson
  kind: PersonPhotoKind
  missing: boolean
}

/** The same slot as on a person's own form, told of this person alone. */
export function PersonPhoto({ scene, person, kind, missing }: PersonPhotoProps) {
  const { view, live, api } = scene
  const prefix = `people.${person.id}.`
  const reasons = view.reasons
    .filter(({ field }) => field?.startsWith(prefix))
    .map((reason) => ({ ...reason, field: reason.field!.slice(prefix.length) })) as KycReason[]
  return (
    <PhotoSlot
      scene={{
        live,
        view: { photos: person.photos, reasons, min_age: view.min_age, sandbox: view.sandbox },
        api: {
          photo: async (side, picture) => ({
            view: await api.photo(person.id, side as PersonPhotoKind, picture),
          }),
        },
      }}
      kind={kind}
      missing={missing}
    />
  )
}
