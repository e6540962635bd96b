import { customerFiat, heldUnits, type Payment, paymentReference, type RefundReason } from './payment.ts'
import { bookFor, type PaymentChanges, setFields } from './payment-changes.ts'
import { type RefundSource, refundPurpose } from './refund-sources.ts'

/** Thrown when more would go back than came: a mistake in the books, never a case to go on from. */
export class NothingToRefund extends Error {}

export interface RefundOrder {
  /** Of what is held. */
  units: bigint
  reason: RefundReason
  sources: readonly RefundSource[]
  /** Fees that the integration's policy keeps: with them kept, what goes back is everything. */
  keptUnits?: bigint
}

/**
 * Decides that held money goes back, by the ways it came, the last come first. The ledger moves it from the
 * customer's account to what is on its way out, and each way gets an effect.
 */
export function planRefund(
  changes: PaymentChanges,
  payment: Payment,
  { units, reason, sources, keptUnits = 0n }: RefundOrder,
): void {
  if (units <= 0n || units > heldUnits(payment)) {
    throw new NothingToRefund(
      `Payment ${payment.id} holds ${heldUnits(payment)}, not the ${units} to refund.`,
    )
  }
  const round = (payment.refund?.round ?? 0) + 1
  let leftUnits = units
  for (const source of sources.toReversed()) {
    // biome-ignore lint/complexity/useMathMinMax: Math.min takes no bigint.
    const part = source.leftUnits < leftUnits ? source.leftUnits : leftUnits
    if (part <= 0n) continue
    source.leftUnits -= part
    leftUnits -= part
    planPart(changes, payment, { purpose: refundPurpose(payment.id, round, source.key), units: part, source })
  }
  if (leftUnits > 0n) throw new NothingToRefund(`Of payment ${payment.id} ${leftUnits} came from nowhere.`)
  const whole = heldUnits(payment) === units && payment.convertedUnits === keptUnits
  setFields(changes, payment, {
    refundedUnits: payment.refundedUnits + units,
    refund: {
      round,
      state: 'planned',
      units: units.toString(),
      reason,
      whole,
      createdAt: changes.now.toISOString(),
    },
  })
  // Everything is on its way back: the effects take it from here, and the refund's end ends the payment.
  const waits = payment.state === 'in_review' || payment.state === 'payment_received'
  if (whole && waits) setFields(changes, payment, { expiresAt: null, dueAt: null })
}

function planPart(
  changes: PaymentChanges,
  payment: Payment,
  { purpose, units, source }: { purpose: string; units: bigint; source: RefundSource },
): void {
  const { way } = source
  const account = way.kind === 'card' ? way.account : `transit:out:${way.ourIban}`
  bookFor(changes, payment, {
    kind: 'refund',
    purpose,
    postings: [
      { account: customerFiat(payment.id), asset: payment.fiat, units },
      { account, asset: payment.fiat, units: -units },
    ],
  })
  changes.effects.push({
    integrationId: payment.integrationId,
    kind: way.kind === 'card' ? 'card_refund' : 'bank_transfer',
    purpose,
    reference: paymentReference(payment.id),
    door: way.kind === 'card' ? way.account : `bank:${way.ourIban}`,
    asset: payment.fiat,
    units,
    account: null,
    destination:
      way.kind === 'card'
        ? { session: way.providerRef }
        : { iban: way.iban ?? '', name: way.name, concept: `Refund ${payment.id}` },
  })
}
