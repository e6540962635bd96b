import type { BankProvider, BankTransfer } from '../providers/bank/port.ts'
import type { CardProvider, CardRefund } from '../providers/card/port.ts'
import type { RedirectProvider, RedirectRefund } from '../providers/redirect/port.ts'
import { doorKind, type EffectNeeds } from './model.ts'

/** What a bank or card provider says of an order of ours. */
export interface PayoutProgress {
  state: 'accepted' | 'done' | 'refused'
  providerRef: string
  reason: string | null
}

/** An order as the effect's row has it. */
export interface PayoutOrder {
  idempotencyKey: string
  door: string
  asset: string
  units: bigint
  /** `{iban,name,concept}` or `{session}`. */
  destination: Record<string, string>
}

/** One way out that isn't a chain. Both throw `ProviderError`; sending under a key that was used answers the first order. */
export interface PayoutPort {
  send(order: PayoutOrder): Promise<PayoutProgress>
  find(order: PayoutOrder): Promise<PayoutProgress | undefined>
}

/** The way a door leads; undefined when its provider isn't configured. */
export function findPayoutPort(
  { bank, cards, redirects }: Pick<EffectNeeds, 'bank' | 'cards' | 'redirects'>,
  door: string,
): PayoutPort | undefined {
  const kind = doorKind(door)
  if (kind === 'bank') return bank && bankPort(bank)
  const takers = kind === 'paypal' || kind === 'local' ? [redirects[kind]] : cards
  const taker = takers.find((one) => door === `${kind}:${one?.name}`)
  return taker && refundPort(taker)
}

function bankPort(bank: BankProvider): PayoutPort {
  return {
    async send({ idempotencyKey, door, asset, units, destination }) {
      const transfer = await bank.sendTransfer({
        idempotencyKey,
        iban: door.slice('bank:'.length),
        toIban: destination.iban!,
        toName: destination.name!,
        units,
        currency: asset,
        concept: destination.concept!,
        endToEndId: idempotencyKey,
      })
      return bankProgress(transfer)
    },
    async find({ idempotencyKey }) {
      const transfer = await bank.findTransfer(idempotencyKey)
      return transfer && bankProgress(transfer)
    },
  }
}

const BANK_STATES = {
  accepted: 'accepted',
  booked: 'done',
  rejected: 'refused',
  returned: 'refused',
} as const

const bankProgress = ({ state, providerRef, reason }: BankTransfer): PayoutProgress => ({
  state: BANK_STATES[state],
  providerRef,
  reason: reason && `${state} by the bank: ${reason}`,
})

/** Back through the provider that took it: card, PayPal, local method. */
function refundPort(taker: CardProvider | RedirectProvider): PayoutPort {
  return {
    async send({ idempotencyKey, units, destination }) {
      return refundProgress(await taker.refund({ idempotencyKey, providerRef: destination.session!, units }))
    },
    async find({ idempotencyKey }) {
      const refund = await taker.findRefund(idempotencyKey)
      return refund && refundProgress(refund)
    },
  }
}

const REFUND_STATES = { pending: 'accepted', done: 'done', failed: 'refused' } as const

const refundProgress = ({ state, refundRef, reason }: CardRefund | RedirectRefund): PayoutProgress => ({
  state: REFUND_STATES[state],
  providerRef: refundRef,
  reason: reason && `refused by the payment provider: ${reason}`,
})
