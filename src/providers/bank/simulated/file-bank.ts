import { parseAmount } from '../../../money/amount.ts'
import { assetOf } from '../../../money/asset.ts'
import { ProviderError } from '../../provider-error.ts'
import type { Simulator } from '../../simulated/simulator.ts'
import { acceptOrder } from './provider.ts'
import { type ReadOrder, type ReadOrderFile, readOrderFile } from './read-order-file.ts'
import { type AnsweredOrder, writeAnswer } from './write-answer.ts'

/**
 * What the simulated bank does with a file of orders for an account without an API: it checks the file's own figures,
 * takes each order as it would by its API, with the same test values, and writes its answer (pain.002.001.10). The
 * same file again books nothing twice and is answered alike; another file under a known name is refused (`AM05`).
 */
export async function takeOrderFile(simulator: Simulator, xml: string): Promise<string> {
  const file = readOrderFile(xml)
  const now = simulator.clock.now()
  const fault = findFault(file)
  if (fault) return writeAnswer({ file, now, refused: fault, orders: [] })
  const orders: AnsweredOrder[] = []
  for (const payment of file.payments) {
    for (const order of payment.orders) {
      orders.push({
        paymentId: payment.id,
        endToEndId: order.endToEndId,
        ...(await takeOrder(simulator, file.messageId, payment.iban, order)),
      })
    }
  }
  return writeAnswer({ file, now, refused: null, orders })
}

const unitsOf = ({ amount, currency }: ReadOrder): bigint =>
  parseAmount(amount, assetOf(currency)).units ?? 0n

/** A file that contradicts itself is refused whole. */
function findFault({ messageId, statedOrders, statedSum, payments }: ReadOrderFile): string | null {
  const orders = payments.flatMap((payment) => payment.orders)
  if (messageId === '' || orders.length === 0) return 'FF01'
  if (orders.some(({ currency }) => currency !== 'EUR')) return 'AM03'
  const sum = orders.reduce((total, order) => total + unitsOf(order), 0n)
  if (String(orders.length) !== statedOrders) return 'AM18'
  return parseAmount(statedSum, assetOf('EUR')).units === sum ? null : 'AM10'
}

async function takeOrder(
  simulator: Simulator,
  messageId: string,
  iban: string,
  order: ReadOrder,
): Promise<Pick<AnsweredOrder, 'status' | 'reason'>> {
  try {
    const transfer = await acceptOrder(
      simulator,
      {
        idempotencyKey: orderKey(messageId, order.endToEndId),
        iban,
        to: { iban: order.iban },
        toName: order.name,
        units: unitsOf(order),
        currency: order.currency,
        concept: order.concept,
        endToEndId: order.endToEndId,
      },
      'file',
    )
    return transfer.state === 'rejected'
      ? { status: 'RJCT', reason: transfer.reason ?? 'MS03' }
      : { status: 'ACCP', reason: null }
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    if (error.outcome !== 'rejected') return { status: 'PDNG', reason: null }
    return {
      status: 'RJCT',
      reason: error.code === 'idempotency_key_reused' ? 'AM05' : (error.code ?? 'MS03'),
    }
  }
}

/** How the simulated bank knows an order of a file. */
export const orderKey = (messageId: string, endToEndId: string): string => `file:${messageId}:${endToEndId}`
