import type { BankTransfer, PaymentView } from '../../src/hosted/wire.ts'
import { Button, Notice } from '../shared/controls.tsx'
import { CopyButton } from '../shared/copy.tsx'
import { StepHeading } from '../shared/frame.tsx'
import { groupedIban } from '../shared/iban.ts'
import { Icon } from '../shared/icons.tsx'
import { QrCode } from '../shared/qr.tsx'
import { BackToMerchant } from './back-to-merchant.tsx'
import { CancelPayment } from './cancel-payment.tsx'
import { epcText } from './epc.ts'
import { type Scene, usePaymentAction, usePaymentSpeech } from './scene.ts'

export function TransferScreen({ scene }: { scene: Scene }) {
  const { words, format } = usePaymentSpeech()
  const { view, api } = scene
  const action = usePaymentAction(scene)
  return (
    <>
      <StepHeading page={view.brand.name}>{words.transferTitle}</StepHeading>
      <p class="mt-1.5 text-soft">{words.transferIntro}</p>
      {view.expires_at && (
        <p class="mt-1 text-soft">{words.transferBefore(format.dateTime(view.expires_at))}</p>
      )}
      <div class="mt-6 space-y-5">
        <Missing scene={scene} />
        <BankDetails transfer={stillToSend(view)!} />
        {action.problem && (
          <Notice tone="bad" urgent>
            {action.problem.text}
          </Notice>
        )}
        {view.allowed.includes('say_sent') && (
          <Button busy={action.busy} onPress={() => void action.run(api.sent, (next) => next)}>
            {words.transferSent}
          </Button>
        )}
        <CancelPayment scene={scene} />
      </div>
    </>
  )
}

export function TransferWaitingScreen({ scene }: { scene: Scene }) {
  const { words, format } = usePaymentSpeech()
  const { view } = scene
  const next = [words.transferNext1, words.transferNext2, words.transferNext3(view.wallet.chain_name)]
  return (
    <>
      <span class="mb-5 grid size-14 place-items-center rounded-full bg-side text-brand-text">
        <Icon name="clock" class="size-7" />
      </span>
      <StepHeading page={view.brand.name}>{words.transferWaitTitle}</StepHeading>
      <p class="mt-1.5 text-soft">
        {words.transferWaitText} {view.expires_at && words.transferUntil(format.dateTime(view.expires_at))}
      </p>
      <div class="mt-6 space-y-6">
        <Missing scene={scene} />
        <section>
          <h2 class="mb-3 font-semibold">{words.transferNextTitle}</h2>
          <ol class="space-y-3">
            {next.map((text, at) => (
              <li key={text} class="flex gap-3">
                <span class="grid size-6 shrink-0 place-items-center rounded-full bg-side text-sm font-semibold text-soft">
                  {at + 1}
                </span>
                <span>{text}</span>
              </li>
            ))}
          </ol>
        </section>
        {view.bank_transfer && (
          <details class="group">
            <summary class="link list-none [&::-webkit-details-marker]:hidden">
              {words.transferDetails}
              <Icon name="chevron" class="size-4 transition-transform group-open:rotate-180" />
            </summary>
            <div class="mt-3">
              <BankDetails transfer={stillToSend(view)!} />
            </div>
          </details>
        )}
        <BackToMerchant view={view} kind="main" />
      </div>
    </>
  )
}

/** Part of the money is here: how much, and how much is still to come. */
function Missing({ scene }: { scene: Scene }) {
  const { words, format } = usePaymentSpeech()
  const { received } = scene.view
  if (!received?.missing) return null
  return (
    <Notice tone="warn" urgent>
      {words.transferMissing(format.money(received.total), format.money(received.missing))}
    </Notice>
  )
}

/** Where part of the money is here, only the rest is asked for: nobody is to copy the whole amount a second time. */
function stillToSend({ bank_transfer: transfer, received }: PaymentView): BankTransfer | null {
  return transfer && { ...transfer, amount: received?.missing ?? transfer.amount }
}

function BankDetails({ transfer }: { transfer: BankTransfer }) {
  const { words, format } = usePaymentSpeech()
  const qr = epcText(transfer)
  return (
    <div class="space-y-5">
      <dl class="card divide-y divide-line">
        <Detail
          name={words.transferAmount}
          value={format.money(transfer.amount)}
          copy={transfer.amount.amount}
        />
        <Detail name={words.transferIban} value={groupedIban(transfer.iban)} copy={transfer.iban} />
        <Detail name={words.transferHolder} value={transfer.holder} />
        <Detail name={words.transferBic} value={transfer.bic} />
        {transfer.bank_name && <Detail name={words.transferBank} value={transfer.bank_name} plain />}
        <Detail name={words.transferConcept} value={transfer.concept} strong />
      </dl>
      <Notice tone="warn">
        <p>{words.transferConceptNote}</p>
        <p class="mt-1">{words.transferOwnAccount}</p>
      </Notice>
      {qr && (
        <section class="flex items-center gap-4">
          <QrCode text={qr} label={words.transferQrLabel} class="w-36 shrink-0 border border-line" />
          <div>
            <h2 class="font-semibold">{words.transferQrTitle}</h2>
            <p class="mt-1 text-sm text-soft">{words.transferQrText}</p>
          </div>
        </section>
      )}
    </div>
  )
}

interface DetailProps {
  name: string
  value: string
  copy?: string
  strong?: boolean
  /** Nothing to type into a form, so nothing to copy. */
  plain?: boolean
}

function Detail({ name, value, copy, strong, plain }: DetailProps) {
  return (
    <div class="grid grid-cols-[1fr_auto] items-center gap-x-3 py-2.5 pr-2 pl-4">
      <dt class="col-start-1 text-sm text-soft">{name}</dt>
      <dd
        class={`col-start-1 min-w-0 break-words tabular-nums ${strong ? 'text-xl font-semibold tracking-wide' : 'font-medium'}`}
      >
        {value}
      </dd>
      {!plain && (
        <dd class="col-start-2 row-span-2 row-start-1">
          <CopyButton what={name} text={copy ?? value} />
        </dd>
      )}
    </div>
  )
}
