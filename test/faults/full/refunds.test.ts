import assert from 'node:assert/strict'
import { it } from 'node:test'
import { eventually } from '../../support/app.ts'
import { arrivedOnChain, type Bought } from '../buyers.ts'
import { runCli } from '../invariants.ts'
import { type FaultWorld, inWorld } from '../world.ts'

const WHY = ['--who', 'operator', '--why', 'a test']

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
          await world.pass(30)
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

function isStatus({ buyers }: FaultWorld, { paymentId }: Bought, status: string): Promise<boolean> {
  return eventually(
    `${paymentId} to be ${status}`,
    async () => (await buyers.api('GET', `/api/payment/${paymentId}`)).data.status === status,
    30_000,
  )
}
