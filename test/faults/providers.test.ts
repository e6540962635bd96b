import assert from 'node:assert/strict'
import { it } from 'node:test'
import { eventually } from '../support/app.ts'
import { openKycPage } from '../support/kyc.ts'
import { arrivedOnChain, type Bought, type PaymentType } from './buyers.ts'
import { runCli } from './invariants.ts'
import { type FaultWorld, inWorld } from './world.ts'

const WHY = ['--who', 'operator', '--why', 'a test']
/** A session is asked for again after what is lost or refused; what hangs costs a call ten seconds. */
const ASKED = ['fail', 'reject', 'lost_answer', 'hang'] as const
const TOLD = ['twice', 'late'] as const

it('card, bank and open banking fail, hang, lose answers, tell twice and late: payments end right', (context) =>
  inWorld(context, { seed: 91 }, async (world) => {
    const { say } = world
    for (const kind of ASKED) {
      await Promise.all([world.order('card', kind), world.order('open_banking', kind)])
      await Promise.all([
        world.buyMany(2, { paymentType: 'card' }),
        world.buyMany(2, { paymentType: 'psd2' }),
      ])
    }
    say('the providers of sessions misbehaved')
    for (const kind of ['fail', 'lost_answer', 'hang'] as const)
      await world.order('bank', kind === 'lost_answer' ? 'twice' : kind)
    for (const kind of TOLD)
      for (const provider of ['card', 'open_banking', 'bank']) await world.order(provider, kind)
    const types: PaymentType[] = ['card', 'psd2', 'transfer', 'transfer']
    const buying = types.map((paymentType) => world.buyMany(2, { paymentType }))
    // What is told late is told after half a minute of the platform's clock.
    await pass(world, 40)
    say('the clock was moved')
    await Promise.all(buying)
    say('all are paid')
    await world.meetFaults(async () => {
      await Promise.all(types.slice(0, 3).map((paymentType) => world.buyMany(1, { paymentType })))
      await pass(world, 40)
    })
    say('every fault has happened')
    await world.check()
  }))

it('refunds by card and bank fail, hang and lose answers: each goes back once', (context) =>
  inWorld(context, { seed: 92 }, async (world) => {
    const { buyers, program } = world
    const paused = await runCli(program, ['pause', 'dispatch', ...WHY])
    assert.equal(paused.code, 0, paused.output)
    await Promise.all([
      world.buyMany(3, { paymentType: 'card' }),
      world.buyMany(3, { paymentType: 'transfer' }),
    ])
    // Those whose money is here go back, and are no longer among what is bought.
    const refunded = buyers.bought.splice(0)
    for (const one of refunded) await isStatus(world, one, 'payment_received')
    for (const provider of ['card', 'bank'])
      for (const kind of ['fail', 'lost_answer', 'hang', 'twice']) await world.order(provider, kind)
    for (const { paymentId } of refunded) {
      const answer = await buyers.api('POST', `/api/payment/${paymentId}/refund`, {})
      assert.equal(answer.status, 'ok', answer.message ?? '')
    }
    for (const one of refunded) {
      await eventually(
        `the refund of ${one.paymentId} (${one.paymentType})`,
        async () => {
          await pass(world, 30)
          const { data } = await buyers.api('GET', `/api/payment/${one.paymentId}`)
          return data.status === 'refunded' && data.refund.state === 'confirmed'
        },
        90_000,
      )
    }
    const resumed = await runCli(program, ['resume', 'dispatch', ...WHY])
    assert.equal(resumed.code, 0, resumed.output)
    await world.buyMany(3)
    await world.meetFaults(() => world.buyMany(1, { paymentType: 'card' }))
    await world.check()
    const { data } = await buyers.api('GET', '/api/sandbox')
    for (const one of refunded) {
      const { rpc_url: rpcUrl, tokens } = data.chains.find(
        ({ chain }: { chain: string }) => chain === one.chain,
      )
      assert.deepEqual(await arrivedOnChain(rpcUrl, tokens, one), { units: 0n, transfers: 0 })
    }
  }))

it('the provider of verifications fails, hangs, loses answers, tells twice and late: customers end valid', (context) =>
  inWorld(context, { seed: 93, customers: 0 }, async (world) => {
    const { buyers, program } = world
    for (const [n, kind] of (['fail', 'lost_answer', 'hang', 'twice', 'late'] as const).entries()) {
      const { data } = await buyers.api('POST', '/api/registerUser', {
        name: 'Ana',
        email: `person${n}@example.com`,
      })
      await world.order('kyc', kind)
      const number = 10_000_000 + n
      const letter = 'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]
      await openKycPage(program, data.kyc_form_url).fill({ identification_number: `${number}${letter}` })
      await eventually(
        `customer ${n} to be valid after ${kind}`,
        async () => {
          await pass(world, 10)
          const checked = await buyers.api('GET', `/api/kyc/check?user_id=${data.id}`)
          return checked.data.kyc_status === 'valid'
        },
        60_000,
      )
    }
  }))

/** Moves the platform's clock on. */
async function pass({ buyers }: FaultWorld, seconds: number): Promise<void> {
  const answer = await buyers.api('POST', '/api/sandbox/clock', { advance: `${seconds}s` })
  assert.equal(answer.status, 'ok', answer.message ?? '')
}

function isStatus({ buyers }: FaultWorld, { paymentId }: Bought, status: string): Promise<boolean> {
  return eventually(
    `${paymentId} to be ${status}`,
    async () => (await buyers.api('GET', `/api/payment/${paymentId}`)).data.status === status,
    30_000,
  )
}
