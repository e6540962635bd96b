import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressFromScan, lookAtWallet } from './wallet-check.ts'

const good = '0x71C7656EC7ab88b098defB751B7401B5f6d8976F'
const evm = (text: string) => lookAtWallet(text, 'evm')

describe('lookAtWallet', () => {
  it('takes a right checksum, and writes it where there was none', () => {
    assert.deepEqual(evm(good), { state: 'good', address: good })
    assert.deepEqual(evm(good.toLowerCase()), { state: 'good', address: good })
    assert.deepEqual(evm(` ${good} `), { state: 'good', address: good })
  })

  it('finds one wrong letter', () => {
    assert.deepEqual(evm(`${good.slice(0, -1)}f`), { state: 'bad', problem: 'checksum' })
  })

  it('waits while it is typed', () => {
    for (const part of ['', '0', '0x', good.slice(0, 41)]) assert.equal(evm(part).state, 'unfinished')
  })

  it('says early what can never become an address', () => {
    assert.deepEqual(evm('hello'), { state: 'bad', problem: 'malformed' })
    assert.deepEqual(evm('0xg'), { state: 'bad', problem: 'malformed' })
    assert.deepEqual(evm(`${good}0`), { state: 'bad', problem: 'malformed' })
  })

  it('knows other networks and the address of nobody', () => {
    const bitcoin = 'bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq'
    assert.deepEqual(evm(bitcoin), { state: 'bad', problem: 'wrong_chain' })
    assert.deepEqual(lookAtWallet(good, 'bitcoin'), { state: 'bad', problem: 'wrong_chain' })
    assert.deepEqual(lookAtWallet(bitcoin, 'bitcoin'), { state: 'good', address: bitcoin })
    assert.deepEqual(evm(`0x${'0'.repeat(40)}`), { state: 'bad', problem: 'zero_address' })
  })
})

describe('addressFromScan', () => {
  it('finds the address in plain codes and in payment links', () => {
    assert.equal(addressFromScan(good), good)
    assert.equal(addressFromScan(`ethereum:${good}@137?value=1e18`), good)
    assert.equal(addressFromScan(`ethereum:pay-${good}`), good)
    assert.equal(addressFromScan('bitcoin:bc1qxy?amount=0.1'), 'bc1qxy')
  })

  it('takes the receiver, not the token, of a transfer link', () => {
    const token = '0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174'
    assert.equal(addressFromScan(`ethereum:${token}@137/transfer?address=${good}&uint256=1`), good)
  })
})
