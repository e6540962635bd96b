import { it } from 'node:test'
import type { PaymentType } from './buyers.ts'
import { inWorld } from './world.ts'

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
    await world.pass(40)
    say('the clock was moved')
    await Promise.all(buying)
    say('all are paid')
    await world.meetFaults(async () => {
      await Promise.all(types.slice(0, 3).map((paymentType) => world.buyMany(1, { paymentType })))
      await world.pass(40)
    })
    say('every fault has happened')
    await world.check()
  }))
