import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { bytesOf, OPERATOR, shareFileBankWorld } from '../../../test/support/file-bank.ts'
import { startFileRefund } from '../../../test/support/file-refunds.ts'
import { findSchemaFaults } from '../../../test/support/iso20022/validate.ts'
import { readBankAnswers } from './read-answer.ts'
import { takeAnswer } from './take-answer.ts'

const exampleOf = (name: string): string =>
  readFileSync(new URL(`examples/${name}.pain002.xml`, import.meta.url), 'utf8')

const REFUSED = 'ebics-test-server-refused'
const PAYEES = 'ebics-test-server-payees'

describe('an answer that another tool wrote', () => {
  const world = shareFileBankWorld()

  /** As it would be to a file of one order. */
  const answerTo = (name: string, messageId: string, key: string): string =>
    exampleOf(name)
      .replaceAll('Qm7RtY2LpXc9VbN4Zk', messageId)
      .replaceAll(/\s*<TxInfAndSts>.*?<\/TxInfAndSts>/gs, (one, at: number, text: string) =>
        text.indexOf('<TxInfAndSts>') > at ? one.replace('Hq3vT8nLw2XcYb5RmKd9PzJf7', key) : '',
      )

  for (const name of [REFUSED, PAYEES]) {
    test(`${name} is valid by the schema of ISO`, async () => {
      assert.deepEqual(await findSchemaFaults('pain.002.001.10', [exampleOf(name)]), [])
    })
  }

  test('says of each order what the bank says of it', async () => {
    const [answer] = await readBankAnswers(bytesOf(exampleOf(PAYEES)))
    assert.deepEqual(
      [answer!.group, ...answer!.orders.values()].map((one) => [one?.code, one?.verdict, one?.reasonText]),
      [
        [
          'RVNM',
          'pending',
          'Die Empfaengerueberpruefung hat fuer mindestens eine Zahlung keine Uebereinstimmung ergeben.',
        ],
        ['RVMC', 'pending', 'RVMC Renée Dupont-Martin'],
        ['RVNM', 'pending', null],
        ['RCVC', 'pending', null],
        ['RVNA', 'pending', null],
      ],
    )
  })

  test('decides nothing by the payees’ names, and refuses with the reason of the group of orders', async () => {
    const { t, iban } = await world
    const { made, key, id } = await startFileRefund({ t, iban })
    const take = (name: string) => takeAnswer(t.app, bytesOf(answerTo(name, made.messageId, key)), OPERATOR)
    const [checked] = await take(PAYEES)
    assert.deepEqual([checked!.status, checked!.rejected, checked!.standing], ['RVNM', [], 1])
    const [refused] = await take(REFUSED)
    assert.equal(refused!.rejected.length, 1)
    assert.match(refused!.rejected[0]!.reason, /^RJCT: AC01: /)
    await t.runLanes('payouts')
    const { body } = await t.api('GET', `/api/payment/${id}`)
    assert.equal(body.data.refund.state, 'failed')
  })
})
