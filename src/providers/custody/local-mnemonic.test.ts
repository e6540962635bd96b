import assert from 'node:assert/strict'
import { test } from 'node:test'
import { custodySuite } from './contract-suite.ts'
import { createMnemonicCustody } from './local-mnemonic.ts'

const WORDS = 'test test test test test test test test test test test junk'

custodySuite('local mnemonic', async () => createMnemonicCustody(WORDS))

test('the addresses are those of BIP-44, as every wallet derives them', async () => {
  const custody = createMnemonicCustody(WORDS)
  assert.equal(await custody.address("m/44'/60'/0'/0/0"), '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266')
  assert.equal(await custody.address("m/44'/60'/0'/0/1"), '0x70997970C51812dc3A010C7d01b50e0d17dc79C8')
})

test('words with a wrong checksum are refused', () => {
  assert.throws(() => createMnemonicCustody('test '.repeat(12).trim()), /BIP-39/)
})

test('more keys than are kept still sign with their own', async () => {
  const custody = createMnemonicCustody(WORDS)
  const first = await custody.address("m/44'/60'/0'/0/0")
  for (let index = 1; index <= 520; index += 1) await custody.address(`m/1/${index}`)
  assert.equal(await custody.address("m/44'/60'/0'/0/0"), first)
})
