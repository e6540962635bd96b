import { it } from 'node:test'
import { eventually } from '../../support/app.ts'
import { openKycPage } from '../../support/kyc.ts'
import { inWorld } from '../world.ts'

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
          await world.pass(10)
          const checked = await buyers.api('GET', `/api/kyc/check?user_id=${data.id}`)
          return checked.data.kyc_status === 'valid'
        },
        60_000,
      )
    }
  }))
