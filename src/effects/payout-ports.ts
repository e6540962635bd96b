import { createOrderBook, type OrderTaker } from '../providers/bank/files/order-book.ts'
import type { BankTransfer, TransferTarget } from '../providers/bank/port.ts'
import { describeReason } from '../providers/bank/reasons.ts'
import { sepaText } from '../providers/bank/sepa-text.ts'
import type { CardProvider, CardRefund } from '../providers/card/port.ts'
import { ProviderError } from '../providers/provider-error.ts'
import type { RedirectProvider, RedirectRefund } from '../providers/redirect/port.ts'
import { doorKind, type EffectNeeds } from './model.ts'

/** What a bank or card provider says of an order of ours. */
export interface PayoutProgress<State extends string = 'accepted' | 'done' | 'refused' | 'returned'> {
  /** `returned`: it was done, and comes back; only the bank's line of it ends the effect. */
  state: State
  providerRef: string
  reason: string | null
}

/** An order as the effect's row has it. */
export interface PayoutOrder {
  idempotencyKey: string
  door: string
  asset: string
  units: bigint
  /** `{iban,name,concept}`, `{account,bankName,country,name,concept}` or `{session}`. */
  destination: Record<string, string>
}

/** One way out that isn't a chain. Both throw `ProviderError`; sending under a key that was used answers the first order. */
export interface PayoutPort {
  send(order: PayoutOrder): Promise<PayoutProgress>
  find(order: Pick<PayoutOrder, 'idempotencyKey' | 'door'>): Promise<PayoutProgress | undefined>
}

/** The way a door leads; undefined when its provider isn't configured. */
export function findPayoutPort(
  needs: Pick<EffectNeeds, 'db' | 'clock' | 'secrets' | 'bank' | 'cards' | 'redirects'>,
  door: string,
): PayoutPort | undefined {
  const kind = doorKind(door)
  if (kind === 'bank') return bankPort(needs)
  const takers = kind === 'paypal' || kind === 'local' ? [needs.redirects[kind]] : needs.cards
  const taker = takers.find((one) => door === `${kind}:${one?.name}`)
  return taker && refundPort(taker)
}

/** The account says whether its bank takes orders by its API or in files. */
function bankPort({
  db,
  clock,
  secrets,
  bank,
}: Pick<EffectNeeds, 'db' | 'clock' | 'secrets' | 'bank'>): PayoutPort {
  const orderBook = createOrderBook({ db, clock, secrets })
  const takerOf = async (door: string): Promise<OrderTaker> => {
    const account = await db
      .selectFrom('bankAccounts')
      .select('ordersBy')
      .where('iban', '=', door.slice('bank:'.length))
      .executeTakeFirst()
    if (account?.ordersBy === 'file') return orderBook
    if (bank) return bank
    throw new ProviderError(door, 'not_sent', 'no provider is configured for this door')
  }
  return {
    async send({ idempotencyKey, door, asset, units, destination }) {
      refuseNobody(destination)
      const taker = await takerOf(door)
      const transfer = await taker.sendTransfer({
        idempotencyKey,
        iban: door.slice('bank:'.length),
        ...payeeOf(destination),
        units,
        currency: asset,
        endToEndId: idempotencyKey,
      })
      return bankProgress(transfer)
    },
    async find({ idempotencyKey, door }) {
      // Whichever way it was ordered: the account may have changed between the two meanwhile.
      const written = await orderBook.findTransfer(idempotencyKey)
      if (written) return bankProgress(written)
      const transfer = bank
        ? await bank.findTransfer(idempotencyKey)
        : await (await takerOf(door)).findTransfer(idempotencyKey)
      return transfer && bankProgress(transfer)
    },
  }
}

/** A payer whose bank didn't name the account: nothing is ordered until a source names it, or a person says where the money goes. */
function refuseNobody({ iban, account }: Record<string, string>): void {
  if (iban || account) return
  throw new ProviderError(
    'bank',
    'rejected',
    'the account that the money came from is not known: it goes when the bank names that; or give it up ("effects cancel") and say where it goes ("review refuse --to-iban")',
    { code: 'payee_unknown' },
  )
}

const MOST_NAME = 70
const MOST_CONCEPT = 140

/** SEPA takes few characters; banks in Latin America take names as their customers write them. */
function payeeOf(destination: Record<string, string>): {
  to: TransferTarget
  toName: string
  concept: string
} {
  const { iban, account, bankName, country, name = '', concept = '' } = destination
  if (iban !== undefined) {
    return { to: { iban }, toName: sepaText(name, MOST_NAME), concept: sepaText(concept, MOST_CONCEPT) }
  }
  return {
    to: { account: account!, bankName: bankName!, country: country! },
    toName: name.slice(0, MOST_NAME),
    concept: concept.slice(0, MOST_CONCEPT),
  }
}

/** How the reason of a transfer begins that came back. */
export const RETURNED_BY_BANK = 'returned by the bank'

/** How the reason of an order begins whose end a person was told of. */
export const SAID_BY_BANK = 'said by the bank'

const BANK_STATES = {
  accepted: 'accepted',
  booked: 'done',
  rejected: 'refused',
  returned: 'returned',
} as const

const WHOSE_WORD = {
  accepted: null,
  booked: null,
  rejected: 'rejected by the bank',
  returned: RETURNED_BY_BANK,
} as const

const bankProgress = ({ state, providerRef, reason, reasonText }: BankTransfer): PayoutProgress => ({
  state: BANK_STATES[state],
  providerRef,
  reason: WHOSE_WORD[state] && `${WHOSE_WORD[state]}: ${describeReason(reason, reasonText)}`,
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
