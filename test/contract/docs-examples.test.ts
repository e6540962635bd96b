import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isForIntegrators } from '../../src/server/docs/content.ts'
import { ENDPOINTS } from '../../src/server/endpoints.ts'
import { eventually, startTestApp, type TestApp } from '../support/app.ts'
import { type Receiver, startReceiver } from '../support/webhook-world.ts'
import { unlike } from './alike.ts'
import { BEFORE, type Story, startStory } from './docs-story.ts'
import { blocksOf, paste } from './pasted.ts'

const SHOWN = ENDPOINTS.filter(isForIntegrators)

let t: TestApp
let receiver: Receiver
let story: Story
let reference: string

before(async () => {
  t = await startTestApp()
  receiver = await startReceiver()
  reference = (await t.api('GET', '/docs/reference')).body
  await eventually('the hot wallets to be filled', async () => {
    const { body } = await t.api('GET', '/api/quote?amount=150.50&symbol=USDC&payment_type=card')
    return body.status === 'ok'
  })
  story = startStory(t, new URL('/webhooks/cryptopocket', receiver.url).href)
})
after(async () => {
  await t.stop()
  await receiver.close()
})

/** The calls of an endpoint on the page, each with the answer shown below it. */
function examplesOf(name: string): { call: string; answer: unknown; label: string }[] {
  const [, article = ''] = reference.split(`<article class="endpoint" id="${name}">`)
  const blocks = blocksOf(article.split('</article>', 1)[0]!)
  const examples: { call: string; answer: unknown; label: string }[] = []
  for (let at = 0; at + 1 < blocks.length; at += 2) {
    const [call, answer] = [blocks[at]!, blocks[at + 1]!]
    assert.ok(call.label.startsWith('Call') && answer.label.startsWith('Answer'), `${name}: ${call.label}`)
    examples.push({ call: call.code, answer: JSON.parse(answer.code), label: call.label })
  }
  return examples
}

/** One story, in the order of the reference: what an earlier call made, a later one uses. */
describe('each call of the reference, pasted, is answered as shown', () => {
  it('the page has every endpoint of the table', () => {
    assert.ok(SHOWN.length >= 20)
    for (const { name } of SHOWN) assert.ok(examplesOf(name).length > 0, name)
  })

  for (const { name, method, path } of SHOWN) {
    it(`${method} ${path}`, async () => {
      for (const { call, answer, label } of examplesOf(name)) {
        await story.refreshToken()
        await BEFORE[name]?.(story)
        const real = JSON.parse(await paste(call, story.variables))
        story.learn(name, real)
        const problems = unlike(answer, real)
        if (problems.length === 0) continue
        assert.fail(
          [
            `${name}, ${label}: the program answers otherwise than the documentation shows.`,
            ...problems.map((problem) => `  ${problem}`),
            'Either the example is wrong: make `examples` of the endpoint what the program answers. Or the call needs',
            'something to have happened before: add that to BEFORE in test/contract/docs-story.ts. Or a value can’t be',
            'foreseen: name its field in VARYING in test/contract/alike.ts. It answered:',
            JSON.stringify(real, null, 2),
          ].join('\n'),
        )
      }
    })
  }
})
