import { useEffect, useRef, useState } from 'preact/hooks'
import type { WalletProblem } from '../../src/hosted/wire.ts'
import { Button, CheckField, Field, focusFirstInvalid, Notice, TextButton } from '../shared/controls.tsx'
import { StepHeading, TestValue, TestValues } from '../shared/frame.tsx'
import { Progress } from '../shared/progress.tsx'
import type { StepProps } from './review-step.tsx'
import { ScanDialog } from './scan-dialog.tsx'
import { type Scene, usePaymentAction, usePaymentSpeech } from './scene.ts'
import { stepAfter, stepBefore } from './steps.ts'

export function WalletStep({ scene, screen }: StepProps) {
  const { words } = usePaymentSpeech()
  const { view, api, go } = scene
  const { chain_name: chain } = view.wallet
  const form = useRef<HTMLFormElement>(null)
  const [typed, setTyped] = useState(view.wallet.address ?? '')
  const [mine, setMine] = useState(false)
  const [tried, setTried] = useState(false)
  const [scanning, setScanning] = useState(false)
  const look = useWalletLook(scene, typed)
  const action = usePaymentAction(scene)

  const refusal = action.problem?.errors.wallet?.[0] as WalletProblem | undefined
  const empty: WalletProblem | null = tried && typed.trim() === '' ? 'empty' : null
  const unfinished: WalletProblem | null = tried && look.state === 'unfinished' ? 'malformed' : null
  const problem = refusal ?? (look.state === 'bad' ? look.problem : (empty ?? unfinished))

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (action.busy) return
    setTried(true)
    if (look.state !== 'good' || !mine) return focusFirstInvalid(form.current)
    if (
      await action.run(
        () => api.wallet(look.address),
        (next) => next,
      )
    )
      go(stepAfter(view, 'wallet'))
    else focusFirstInvalid(form.current)
  }
  const fill = (text: string) => {
    action.clear()
    setTyped(text)
  }
  return (
    <form ref={form} noValidate onSubmit={submit}>
      <Progress step={screen.number} steps={screen.steps.length} />
      <StepHeading page={view.brand.name}>{words.walletTitle}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{words.walletIntro(view.price.token.symbol, chain)}</p>
      <div class="space-y-4">
        <Field
          label={words.walletLabel(chain)}
          hint={words.walletHint(chain)}
          error={problem && walletText(words, problem, chain)}
          good={look.state === 'good' ? words.walletGood(chain) : null}
        >
          {({ id, describedBy, invalid }) => (
            <textarea
              id={id}
              name="wallet"
              class="input block h-20 resize-none py-3.5 font-mono text-[0.9375rem] break-all"
              rows={2}
              autocomplete="off"
              autocapitalize="none"
              spellcheck={false}
              placeholder={view.wallet.kind === 'evm' ? '0x…' : ''}
              value={typed}
              aria-required
              aria-invalid={invalid}
              aria-describedby={describedBy}
              onInput={(event) => fill(event.currentTarget.value.replace(/\s/g, ''))}
              onKeyDown={(event) => {
                if (event.key !== 'Enter') return
                event.preventDefault()
                form.current?.requestSubmit()
              }}
            />
          )}
        </Field>
        <TextButton icon="scan" onPress={() => setScanning(true)}>
          {words.scan}
        </TextButton>
        {view.sandbox && (
          <TestValues>
            <TestValue
              onPress={() => {
                fill(view.sandbox!.wallet)
                setMine(true)
              }}
            >
              <span class="font-mono text-[0.8125rem] break-all">{view.sandbox.wallet}</span>
            </TestValue>
          </TestValues>
        )}
        <CheckField
          checked={mine}
          onChecked={setMine}
          error={tried && !mine ? words.walletConfirmMissing : null}
        >
          {words.walletConfirm}
        </CheckField>
        {action.problem && !refusal && (
          <Notice tone="bad" urgent>
            {action.problem.text}
          </Notice>
        )}
      </div>
      <div class="mt-5 space-y-2">
        <Button type="submit" busy={action.busy}>
          {words.continue}
        </Button>
        <div class="text-center">
          <TextButton quiet onPress={() => go(stepBefore(view, 'wallet'))}>
            {words.back}
          </TextButton>
        </div>
      </div>
      {scanning && (
        <ScanDialog
          onFound={(address) => {
            fill(address)
            setScanning(false)
          }}
          onClose={() => setScanning(false)}
        />
      )}
    </form>
  )
}

type Words = ReturnType<typeof usePaymentSpeech>['words']

function walletText(words: Words, problem: WalletProblem, chain: string): string {
  return problem === 'wrong_chain' ? words.wallet_wrong_chain(chain) : words[`wallet_${problem}`]
}

type Look =
  | { state: 'unfinished' }
  | { state: 'good'; address: string }
  | { state: 'bad'; problem: WalletProblem }

/**
 * First what the page can see by itself, at once; then, for an address that looks right, what the server knows of it.
 * When the server can't be asked the page's own word stands: the server judges again when the step is sent.
 */
function useWalletLook(scene: Scene, typed: string): Look {
  const { kind } = scene.view.wallet
  const [look, setLook] = useState<Look>({ state: 'unfinished' })
  useEffect(() => {
    const leave = new AbortController()
    setLook({ state: 'unfinished' })
    // Without the file (the connection is away just now) nothing is said, and the server judges when the step is sent.
    const loading = import('./wallet-check.ts').catch(() => ({ lookAtWallet: trusting }))
    void loading.then(({ lookAtWallet }) => {
      if (leave.signal.aborted) return
      const own = lookAtWallet(typed, kind)
      setLook(own)
      if (own.state !== 'good') return
      const timer = setTimeout(async () => {
        const word = await scene.api.checkWallet({ wallet: own.address }, leave.signal).catch(() => null)
        if (leave.signal.aborted || !word) return
        if (!word.ok) setLook({ state: 'bad', problem: word.problem ?? 'malformed' })
        else if (word.address) setLook({ state: 'good', address: word.address })
      }, 300)
      leave.signal.addEventListener('abort', () => clearTimeout(timer))
    })
    return () => leave.abort()
  }, [typed, kind])
  return look
}

const trusting = (typed: string): Look =>
  typed === '' ? { state: 'unfinished' } : { state: 'good', address: typed }
