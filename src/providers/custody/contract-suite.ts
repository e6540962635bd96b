import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  isAddress,
  parseTransaction,
  recoverTransactionAddress,
  type TransactionSerializedEIP1559,
} from 'viem'
import { ProviderError } from '../provider-error.ts'
import { deriveAddresses } from './derive.ts'
import type { Custody, UnsignedTransaction } from './port.ts'

const PATHS = ["m/44'/60'/0'/0/0", "m/44'/60'/0'/0/1", "m/44'/60'/7'/0/1000000"] as const
const TRANSACTION: UnsignedTransaction = {
  chainId: 1337137,
  nonce: 3,
  to: '0x00000000000000000000000000000000000000AA',
  value: 5n,
  data: '0x1234',
  gas: 60_000n,
  maxFeePerGas: 30_000_000_000n,
  maxPriorityFeePerGas: 1_000_000_000n,
}

/** What holds for every custody, local or remote. */
export function custodySuite(name: string, open: () => Promise<Custody>): void {
  describe(`custody contract: ${name}`, () => {
    test('a path has one address, with checksum, and other paths have others', async () => {
      const custody = await open()
      const addresses = await Promise.all(PATHS.map((path) => custody.address(path)))
      assert.equal(new Set(addresses).size, PATHS.length)
      for (const address of addresses) assert.ok(isAddress(address, { strict: true }))
      assert.equal(await custody.address(PATHS[1]), addresses[1])
    })

    test('a transaction is signed by the key of the path and says what was asked', async () => {
      const custody = await open()
      const raw = await custody.signTransaction(PATHS[0], TRANSACTION)
      const signed = parseTransaction(raw as TransactionSerializedEIP1559)
      assert.deepEqual(
        [signed.chainId, signed.nonce, signed.to?.toLowerCase(), signed.value, signed.data, signed.gas],
        [1337137, 3, TRANSACTION.to!.toLowerCase(), 5n, '0x1234', 60_000n],
      )
      assert.deepEqual([signed.maxFeePerGas, signed.maxPriorityFeePerGas], [30_000_000_000n, 1_000_000_000n])
      const signer = await recoverTransactionAddress({
        serializedTransaction: raw as TransactionSerializedEIP1559,
      })
      assert.equal(signer, await custody.address(PATHS[0]))
    })

    test('the same transaction gives the same bytes', async () => {
      const custody = await open()
      const [first, second] = await Promise.all(
        [1, 2].map(() => custody.signTransaction(PATHS[2], TRANSACTION)),
      )
      assert.equal(first, second)
    })

    test("an account's addresses, derived without its keys, are those of its paths", async () => {
      const custody = await open()
      for (const account of ["m/44'/60'/0'", "m/44'/60'/1'"]) {
        const addressAt = deriveAddresses(await custody.accountKey(account), 0)
        for (const index of [0, 1, 7, 1_000_000, 2_147_483_647])
          assert.equal(addressAt(index), await custody.address(`${account}/0/${index}`))
      }
    })

    for (const path of ['', 'm', "m/44'/60'/0'/0", 'm/44/60', "44'/60'/0'", "m/44'/60'/2147483648'"]) {
      test(`"${path}" is not an account`, async () => {
        const custody = await open()
        await assert.rejects(custody.accountKey(path), ProviderError)
      })
    }

    for (const path of ['', 'm', "m/44'/60'/x", "44'/60'/0'/0/0", "m/44'/60'/2147483648", '../seed']) {
      test(`"${path}" is not a key`, async () => {
        const custody = await open()
        await assert.rejects(custody.address(path), ProviderError)
        await assert.rejects(custody.signTransaction(path, TRANSACTION), ProviderError)
      })
    }
  })
}
