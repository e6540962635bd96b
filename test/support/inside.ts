import assert from 'node:assert/strict'
import { type Address, concatHex, type Hex, keccak256, numberToHex } from 'viem'
import { createMnemonicCustody } from '../../src/providers/custody/local-mnemonic.ts'
import { TEST_MNEMONIC, type TestChain } from '../../src/sandbox/chain/fixture.ts'

const KEY = "m/44'/60'/0'/0/8"

/** Somebody who sends the native coin through a contract, as contract wallets and batch payers do. */
export interface InsidePayer {
  /** One transaction whose value goes to a contract, which sends it on to all of these. Nobody mines. */
  send(...to: { address: Address; units: bigint }[]): Promise<{ raw: Hex; hash: Hex }>
}

export async function openInsidePayer(chain: TestChain): Promise<InsidePayer> {
  const custody = createMnemonicCustody(TEST_MNEMONIC)
  const payer = await custody.address(KEY)
  await chain.treasury.topUp(payer, [{ symbol: 'POL', units: 10n ** 21n }])
  return {
    async send(...to) {
      const { pending } = await chain.provider.nonces(payer)
      const raw = await custody.signTransaction(KEY, {
        chainId: chain.chainId,
        nonce: pending,
        to: null,
        value: to.reduce((sum, { units }) => sum + units, 0n),
        data: concatHex(to.map(({ address, units }) => callWith(address, units))),
        gas: 400_000n,
        maxFeePerGas: 10n ** 12n,
        maxPriorityFeePerGas: 10n ** 9n,
      })
      const [result] = await chain.provider.send([raw])
      assert.equal(result!.state, 'taken')
      return { raw, hash: keccak256(raw) }
    },
  }
}

/** The code of a contract that sends value when it is created: PUSH1 0 four times, the units, whom to, GAS, CALL, POP. */
const callWith = (address: Address, units: bigint): Hex =>
  concatHex(['0x6000600060006000', '0x7f', numberToHex(units, { size: 32 }), '0x73', address, '0x5af150'])
