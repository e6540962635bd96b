import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestApp } from '../../test/support/app.ts'
import { judgeWallet } from './wallet-checks.ts'

const STRANGER = '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359'

test("a local chain's contracts are no wallets, whether this process runs the node or not", async () => {
  const running = await startTestApp({ lanes: false })
  // As an operator's command: the same keys and no node.
  const alone = await startTestApp({
    lanes: false,
    localChains: false,
    env: { WALLET_MNEMONIC: running.config.walletMnemonic },
  })
  try {
    assert.equal(alone.app.providers.chains.size, 0)
    for (const { chain, tokens, disperse } of running.app.providers.chains.values()) {
      assert.ok(disperse && Object.keys(tokens).length > 0)
      for (const contract of [disperse, ...Object.values(tokens)]) {
        for (const { app } of [running, alone]) {
          for (const text of [contract, contract.toLowerCase()]) {
            assert.equal((await judgeWallet(app, chain, text)).problem, 'token_contract')
          }
        }
      }
      assert.equal((await judgeWallet(alone.app, chain, STRANGER)).address, STRANGER)
    }
  } finally {
    await alone.stop()
    await running.stop()
  }
})
