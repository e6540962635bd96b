import { useState } from 'preact/hooks'
import { Button, Notice, TextButton } from '../shared/controls.tsx'
import { Dialog } from '../shared/dialog.tsx'
import { type Scene, usePaymentAction, usePaymentSpeech } from './scene.ts'

/** A quiet way out, asked about once. Absent where it isn't allowed any more. */
export function CancelPayment({ scene }: { scene: Scene }) {
  const { words } = usePaymentSpeech()
  const [asking, setAsking] = useState(false)
  const action = usePaymentAction(scene)
  if (!scene.view.allowed.includes('cancel')) return null
  const close = () => {
    action.clear()
    setAsking(false)
  }
  return (
    <div class="text-center">
      <TextButton quiet onPress={() => setAsking(true)}>
        {words.cancelPayment}
      </TextButton>
      {asking && (
        <Dialog title={words.cancelTitle} onClose={close}>
          <p class="mb-5 text-left text-soft">{words.cancelText}</p>
          <div class="space-y-3">
            {action.problem && (
              <Notice tone="bad" urgent>
                {action.problem.text}
              </Notice>
            )}
            <Button busy={action.busy} onPress={() => void action.run(scene.api.cancel, (view) => view)}>
              {words.cancelYes}
            </Button>
            <Button kind="plain" onPress={close}>
              {words.cancelNo}
            </Button>
          </div>
        </Dialog>
      )}
    </div>
  )
}
