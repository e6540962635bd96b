/** The calls behind the payment page, and where the page learned which payment it is. */
import type {
  Handover,
  PaymentView,
  PayResult,
  WalletCheck,
  WalletCheckRequest,
} from '../../src/hosted/wire.ts'
import { call } from '../shared/call.ts'

export type Entry =
  | { kind: 'payment'; id: string; handover: string | null }
  /** `/gateway/transfer?token=…`: the payment's id comes with the first answer. */
  | { kind: 'gateway'; token: string }

export function entryOf(url: URL): Entry {
  const gateway = /^\/gateway\/[^/]+\/?$/.test(url.pathname)
  if (gateway) return { kind: 'gateway', token: url.searchParams.get('token') ?? '' }
  const id = /^\/payment\/([^/]+)/.exec(url.pathname)?.[1] ?? ''
  const handover = /^#h=([\w-]+)$/.exec(url.hash)?.[1] ?? null
  return { kind: 'payment', id: decodeURIComponent(id), handover }
}

export interface PaymentApi {
  open(signal?: AbortSignal): Promise<PaymentView>
  path(): string
  method(paymentType: string): Promise<PaymentView>
  checkWallet(body: WalletCheckRequest, signal: AbortSignal): Promise<WalletCheck>
  wallet(wallet: string): Promise<PaymentView>
  acceptPrice(offerId: string): Promise<PaymentView>
  pay(): Promise<PayResult>
  sent(): Promise<PaymentView>
  cancel(): Promise<PaymentView>
  handover(): Promise<Handover>
}

export function paymentApi(entry: Entry): PaymentApi {
  let id = entry.kind === 'payment' ? entry.id : ''
  const path = () => `/hosted/payment/${encodeURIComponent(id)}`
  const post = <T>(end: string, body: unknown = {}, signal?: AbortSignal) =>
    call<T>('POST', `${path()}/${end}`, { body, signal })

  async function open(signal?: AbortSignal): Promise<PaymentView> {
    if (entry.kind === 'payment') {
      return await post<PaymentView>('open', entry.handover ? { handover: entry.handover } : {}, signal)
    }
    const body = { gateway_token: entry.token }
    const view = await call<PaymentView>('POST', '/hosted/payment/open', { body, signal })
    id = view.payment_id
    // The token is a secret and has done its work: it shall not stay in the address bar or the history.
    history.replaceState(null, '', `/payment/${encodeURIComponent(id)}`)
    return view
  }

  return {
    open,
    path,
    method: (paymentType) => post('method', { payment_type: paymentType }),
    checkWallet: (body, signal) => post('wallet/check', body, signal),
    wallet: (wallet) => post('wallet', { wallet, confirm: true }),
    acceptPrice: (offerId) => post('price/accept', { offer_id: offerId }),
    pay: () => post('pay'),
    sent: () => post('sent'),
    cancel: () => post('cancel'),
    handover: () => post('handover'),
  }
}
