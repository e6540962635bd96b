import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

const files = ['../payment', '../kyc', '../kyb', '../onboarding', '../simulators'] as const

type Texts = Record<string, string | ((...values: never[]) => string)>

async function read(folder: string, language: string): Promise<Texts> {
  return ((await import(`${folder}/messages/${language}.ts`)) as { words: Texts }).words
}

/** Names, and words that are the same in two languages. */
const maySame =
  /^(type_|transferIban|transferBic|method_(paypal|khipu|spei|pse|pagoefectivo|cvu)$|cardProvider|bankProvider|wallet$|field_email|does_|problem_|no$|pep_no$)/

describe('messages', () => {
  for (const folder of files) {
    for (const language of ['es', 'pt']) {
      it(`${folder.slice(3)} says everything in ${language}`, async () => {
        const english = await read(folder, 'en')
        const other = await read(folder, language)
        assert.deepEqual(Object.keys(other).sort(), Object.keys(english).sort())
        for (const [key, text] of Object.entries(english)) {
          assert.equal(typeof other[key], typeof text, key)
          assert.notEqual(String(other[key]).trim(), '', key)
          if (typeof text === 'function') assert.equal((other[key] as () => string).length, text.length, key)
        }
        const same = Object.keys(english).filter((key) => english[key] === other[key] && !maySame.test(key))
        assert.deepEqual(same, [], 'left in English')
      })
    }
  }
})
