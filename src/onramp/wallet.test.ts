import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBlockList, SANCTIONED, SANDBOX_BLOCKED_WALLET } from '../providers/screening/block-list.ts'
import { checkWallet, maskWallet, type WalletProblem } from './wallet.ts'

const GOOD = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
test('a right address comes back with its checksum, whatever its case was', () => {
  const upper = `0x${GOOD.slice(2).toUpperCase()}`
  for (const text of [GOOD, GOOD.toLowerCase(), upper, `  ${GOOD}\n`]) {
    assert.deepEqual(checkWallet(text), { address: GOOD })
  }
})

test('each fault is named', () => {
  const faults: [string, WalletProblem][] = [
    ['', 'empty'],
    ['   ', 'empty'],
    ['0x', 'malformed'],
    ['hello', 'malformed'],
    [GOOD.slice(0, -1), 'malformed'],
    [`${GOOD}0`, 'malformed'],
    [GOOD.slice(2), 'malformed'],
    [GOOD.replace('5aA', '5AA'), 'checksum'],
    ['bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq', 'wrong_chain'],
    ['1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', 'wrong_chain'],
    ['TJRabPrwbZy45sbavfcjinPJC18kjpRTv8', 'wrong_chain'],
    ['7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV', 'wrong_chain'],
    [`0x${'0'.repeat(40)}`, 'zero_address'],
  ]
  for (const [text, problem] of faults) assert.deepEqual(checkWallet(text), { problem }, text)
})

test('an address is masked to its ends', () => {
  assert.equal(maskWallet(GOOD), '0x5aAe…eAed')
})

test('the block list knows a listed address in any case, and no other', async () => {
  const screening = createBlockList({ ...SANCTIONED, [SANDBOX_BLOCKED_WALLET]: 'sandbox' })
  for (const address of [SANDBOX_BLOCKED_WALLET, SANDBOX_BLOCKED_WALLET.toLowerCase()]) {
    assert.deepEqual(await screening.screenWallet({ chain: 'polygon', address }), {
      blocked: true,
      reason: 'sandbox',
    })
  }
  assert.deepEqual(await screening.screenWallet({ chain: 'polygon', address: GOOD }), { blocked: false })
})

test('the sandbox’s blocked address is a well-formed one', () => {
  assert.deepEqual(checkWallet(SANDBOX_BLOCKED_WALLET.toLowerCase()), {
    address: SANDBOX_BLOCKED_WALLET,
  })
})
