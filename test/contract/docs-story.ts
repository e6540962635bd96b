import assert from 'node:assert/strict'
import { eventually, type TestApp } from '../support/app.ts'
import { drawDocument } from '../support/kyc.ts'

/** What a reader of the reference has in the shell while going from one call to the next. */
export interface Story {
  /** The shell variables that the page names. */
  variables: Record<string, string>
  /** Where the reader listens for webhooks. */
  receiverUrl: string
  call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>
  /** Keeps what later calls need of an answer. */
  learn(name: string, answer: { status: string; data?: unknown }): void
  /** The clock may have been moved, and tokens age with it. */
  refreshToken(): Promise<void>
  /** A new customer, who may have been decided about; later calls are about this one. */
  customer(outcome?: 'valid' | 'fail' | 'mend', fields?: Record<string, string>): Promise<void>
  /** A new payment of the story's customer; later calls are about this one. */
  payment(body?: Record<string, unknown>): Promise<void>
  pay(outcome: string): Promise<void>
  /** A new sale of the story's customer; later calls are about this one. */
  sale(): Promise<void>
  untilSold(): Promise<void>
  untilStatus(status: string): Promise<void>
}

export function startStory(t: TestApp, receiverUrl: string): Story {
  const story: Story = {
    variables: { TOKEN: t.token },
    receiverUrl,
    async call(method, path, body) {
      const answer = await t.api(method, path, { body, token: story.variables.TOKEN })
      assert.notEqual(answer.body.status, 'error', `${path}: ${JSON.stringify(answer.body)}`)
      return answer.body.data
    },
    learn(name, { data }) {
      const { id, payment_id } = (data ?? {}) as { id?: number | string; payment_id?: string }
      if (name === 'createRampoff' && id) story.variables.RAMPOFF_ID = String(id)
      if (name === 'registerUser' && id) story.variables.USER_ID = String(id)
      if (payment_id) story.variables.PAYMENT_ID = payment_id
    },
    async refreshToken() {
      story.variables.TOKEN = await t.authenticate('sandbox-key', 'sandbox-secret')
    },
    async customer(outcome, fields) {
      people += 1
      const { id } = await story.call('POST', '/api/registerUser', {
        name: 'Ana',
        last_name: 'Pérez',
        email: `ana-${people}@example.org`,
        country: 'ES',
        ...fields,
      })
      story.variables.USER_ID = String(id)
      if (outcome === undefined) return
      const reasons = outcome === 'mend' ? [{ field: 'document_front', code: 'blurred' }] : undefined
      await story.call('POST', '/api/sandbox/kyc', { user_id: id, outcome, reasons })
    },
    async payment(body) {
      orders += 1
      const { payment_id } = await story.call('POST', '/api/createGuidedPayment', {
        user_id: story.variables.USER_ID,
        payment_type: 'card',
        coin_symbol: 'USDC',
        coin_chain: 'polygon',
        fiat_amount: '150.50',
        wallet: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
        external_id: `order-story-${orders}`,
        ...body,
      })
      story.variables.PAYMENT_ID = String(payment_id)
    },
    async pay(outcome) {
      await story.call('POST', `/api/sandbox/payments/${story.variables.PAYMENT_ID}/pay`, { outcome })
    },
    async sale() {
      sales += 1
      const { id } = await story.call('POST', '/api/createRampoff', {
        user_id: story.variables.USER_ID,
        external_id: `sale-story-${sales}`,
        amount: '5000',
        symbol: 'USDC',
        blockchain: 'polygon',
        iban: 'ES9121000418450200051332',
        refund_wallet: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
      })
      story.variables.RAMPOFF_ID = String(id)
    },
    untilSold: () =>
      eventually(
        'a sale that is finished',
        async () => {
          const sale = await story.call('GET', `/api/getRampoff?id=${story.variables.RAMPOFF_ID}`)
          const { state } = (sale.payout ?? {}) as { state?: string }
          return sale.status === 'finished' && state === 'confirmed'
        },
        60_000,
      ).then(() => undefined),
    untilStatus: (status) =>
      eventually(
        `a payment that is ${status}`,
        async () => {
          const payment = await story.call('GET', `/api/payment/${story.variables.PAYMENT_ID}`)
          return payment.status === status
        },
        30_000,
      ).then(() => undefined),
  }
  return story
}

let people = 0
let orders = 0
let sales = 0

const aCustomerWhoMayBuy = (story: Story): Promise<void> => story.customer('valid')

async function aPaymentThatWaits(story: Story): Promise<void> {
  await story.customer('valid')
  await story.payment()
}

async function aPaymentThatEnded(story: Story): Promise<void> {
  await aPaymentThatWaits(story)
  await story.pay('paid')
  await story.untilStatus('coins_sent')
}

async function aSaleThatWaits(story: Story): Promise<void> {
  await story.customer('valid')
  await story.sale()
}

async function aSaleThatEnded(story: Story): Promise<void> {
  await letTheChainWork(story)
  await aSaleThatWaits(story)
  await story.call('POST', '/api/sandbox/chain/deposit', { rampoff_id: story.variables.RAMPOFF_ID })
  await story.untilSold()
}

async function aTransferThatCame(story: Story): Promise<void> {
  await story.customer('valid')
  await story.payment({ payment_type: 'transfer' })
  await story.pay('exact')
  await story.untilStatus('coins_sent')
  story.variables.IBAN = await ownIban(story)
}

const ownIban = async (story: Story): Promise<string> => {
  const [account] = (await story.call('GET', '/api/banking/accounts')) as unknown as { iban: string }[]
  return account!.iban
}

/** Money without a number that came before anybody asked for it: nothing finds its payment. */
async function moneyOfNobody(story: Story): Promise<void> {
  const iban = await ownIban(story)
  await story.customer('valid')
  const transfer = { iban, amount: '150.50', name: 'Ana Pérez' }
  await story.call('POST', '/api/sandbox/bank/transfer', transfer)
  const path = `/api/banking/accounts/${iban}/transactions?reconciled=false`
  story.variables.TRANSACTION_ID = await eventually('a line that was looked at', async () => {
    const [line] = (await story.call('GET', path)) as unknown as { id: string }[]
    return line?.id
  })
  await story.payment({ payment_type: 'transfer' })
}

/** Money that came while no coin can leave: the chain is made to fail until the refund is planned. */
async function aPaymentThatWasPaid(story: Story): Promise<void> {
  await story.call('POST', '/api/sandbox/faults', { provider: 'chain', kind: 'fail', count: 1000 })
  await aPaymentThatWaits(story)
  await story.pay('paid')
  await story.untilStatus('payment_received')
}

const letTheChainWork = (story: Story): Promise<unknown> =>
  story.call('POST', '/api/sandbox/faults', { provider: 'chain', kind: 'fail', count: 0 })

/** An event that reached the reader's own receiver. */
async function anEventThatCame(story: Story): Promise<void> {
  await letTheChainWork(story)
  const path = (await story.call('GET', '/api/webhooks/subscriptions')) as unknown as { type: string }[]
  const how = path.some(({ type }) => type === 'PAY_IN') ? 'updateWebhookSubscription' : 'subscribeToWebhook'
  await story.call('POST', `/api/${how}`, { type: 'PAY_IN', url: story.receiverUrl })
  await aPaymentThatEnded(story)
  const event = await eventually('the event', async () => {
    const events = (await story.call('GET', '/api/webhooks/events?type=PAY_IN')) as unknown as Paid[]
    return events.find(({ data }) => data.id === story.variables.PAYMENT_ID)
  })
  story.variables.EVENT_ID = event.id
  story.variables.AFTER = String(event.sequence - 1)
  await eventually('its delivery', async () => {
    const list = await story.call('GET', `/api/webhooks/deliveries?event_id=${event.id}`)
    return (list as unknown as { state: string }[])[0]?.state === 'delivered'
  })
}

interface Paid {
  id: string
  sequence: number
  data: { id: string }
}

async function subscribedAsShown(story: Story): Promise<void> {
  await subscribed(story)
  const url = 'https://example.com/webhooks/cryptopocket'
  await story.call('POST', '/api/updateWebhookSubscription', { type: 'PAY_IN', url })
}

/** Whom the list of customers shows. */
const aCustomerAsShown = (story: Story): Promise<void> =>
  story.customer('valid', {
    last_name: 'García López',
    phone: '+34600123456',
    external_id: 'customer-abc-001',
  })

const subscribed = async (story: Story): Promise<void> => {
  const list = (await story.call('GET', '/api/webhooks/subscriptions')) as unknown as { type: string }[]
  if (list.some(({ type }) => type === 'PAY_IN')) return
  await story.call('POST', '/api/subscribeToWebhook', { type: 'PAY_IN', url: story.receiverUrl })
}

/** What has to have happened before a call of the reference, by the endpoint's name; most need nothing. */
export const BEFORE: Record<string, (story: Story) => Promise<void>> = {
  checkKyc: (story) => story.customer('mend'),
  retryKyc: (story) => story.customer('fail'),
  listCustomers: aCustomerAsShown,
  async registerUserKycDelegated(story) {
    const picture = `data:image/jpeg;base64,${(await drawDocument()).toString('base64')}`
    Object.assign(story.variables, { DOCUMENT_FRONT: picture, DOCUMENT_BACK: picture, FACE_IMAGE: picture })
  },
  createOnboardingForm: (story) => story.customer('valid'),
  uploadDocument: (story) => story.customer('valid'),
  createPayment: aCustomerWhoMayBuy,
  createGuidedPayment: aCustomerWhoMayBuy,
  retrievePayment: aPaymentThatEnded,
  cancelPayment: aPaymentThatWaits,
  refundPayment: aPaymentThatWasPaid,
  createRampoff: aCustomerWhoMayBuy,
  getRampoff: aSaleThatEnded,
  listRampoffs: aSaleThatEnded,
  listBankTransactions: aTransferThatCame,
  reconcilePayment: moneyOfNobody,
  depositOnChain: aSaleThatWaits,
  listWebhookEvents: anEventThatCame,
  listWebhookDeliveries: anEventThatCame,
  redeliverWebhookEvent: anEventThatCame,
  updateWebhookSubscription: subscribed,
  listWebhookSubscriptions: subscribedAsShown,
  unsubscribeFromWebhook: subscribed,
  decideSandboxKyc: (story) => story.customer(),
  paySandboxPayment: aPaymentThatWaits,
}
