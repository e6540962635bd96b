import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keccak256 } from 'viem'
import { openTestChain, TEST_MNEMONIC } from '../../sandbox/chain/fixture.ts'
import { createMnemonicCustody } from '../custody/local-mnemonic.ts'
import { ProviderError } from '../provider-error.ts'
import { chainProviderSuite } from './contract-suite.ts'
import { createFaultyChain } from './faulty.ts'
import type { ChainProvider } from './port.ts'

const KEY = "m/44'/60'/0'/0/0"
type Fault = NonNullable<Awaited<ReturnType<Parameters<typeof createFaultyChain>[1]['takeFault']>>>

/** Lets one fault happen to the next call it fits, and notes how long was waited. */
function faulty(provider: ChainProvider) {
  const waits: number[] = []
  let next: Fault | undefined
  const wrapped = createFaultyChain(provider, {
    takeFault: async (kinds) => {
      const fault = next && kinds.includes(next) ? next : undefined
      if (fault) next = undefined
      return fault
    },
    wait: async (ms) => {
      waits.push(ms)
    },
    lateMs: 40,
    timeoutMs: 90,
  })
  return {
    provider: wrapped,
    waits,
    order(fault: Fault) {
      next = fault
    },
  }
}

async function openWorld() {
  const chain = await openTestChain()
  const custody = createMnemonicCustody(TEST_MNEMONIC)
  const units = [
    { symbol: 'POL', units: 10n ** 21n },
    { symbol: 'USDC', units: 10n ** 12n },
  ]
  await chain.treasury.topUp(await custody.address(KEY), units)
  const { tokens, disperse } = chain.treasury
  const { chainId, mine, close } = chain
  return { chain, world: { chainId, token: tokens.USDC!, disperse, custody, keyRef: KEY, mine, close } }
}

chainProviderSuite('a faulty one without a fault', async () => {
  const { chain, world } = await openWorld()
  return { provider: faulty(chain.provider).provider, world }
})

test('each fault of a sending call does what it says', async (t) => {
  const { chain, world } = await openWorld()
  t.after(() => chain.close())
  const { provider, order, waits } = faulty(chain.provider)
  let nonce = 0
  const send = async (fault: Fault) => {
    order(fault)
    const raw = await world.custody.signTransaction(KEY, {
      chainId: world.chainId,
      nonce,
      to: world.token,
      value: 0n,
      data: '0x',
      gas: 100_000n,
      maxFeePerGas: 10n ** 11n,
      maxPriorityFeePerGas: 10n ** 9n,
    })
    const answer = await provider.send([raw]).then(
      ([result]) => result!.state,
      (error) => {
        assert.ok(error instanceof ProviderError)
        return error.outcome
      },
    )
    const [known] = await chain.provider.transactions([keccak256(raw)])
    if (known) nonce += 1
    return [answer, known !== null]
  }
  assert.deepEqual(await send('fail'), ['not_sent', false])
  assert.deepEqual(await send('reject'), ['rejected', false])
  assert.deepEqual(await send('hang'), ['unknown', false])
  assert.deepEqual(await send('lost_answer'), ['unknown', true])
  assert.deepEqual(await send('twice'), ['taken', true])
  assert.deepEqual(await send('late'), ['taken', true])
  assert.deepEqual(waits, [90, 40])
})

test('a reading call fails, hangs or is late, once', async (t) => {
  const { chain } = await openWorld()
  t.after(() => chain.close())
  const { provider, order, waits } = faulty(chain.provider)
  for (const [fault, outcome] of [
    ['fail', 'not_sent'],
    ['hang', 'unknown'],
  ] as const) {
    order(fault)
    await assert.rejects(
      provider.heads(),
      (error) => error instanceof ProviderError && error.outcome === outcome,
    )
    assert.ok((await provider.heads()).latest.height >= 0)
  }
  order('late')
  assert.ok((await provider.heads()).latest.height >= 0)
  assert.deepEqual(waits, [90, 40])
})
