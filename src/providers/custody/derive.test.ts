import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HDKey } from '@scure/bip32'
import { bytesToHex } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { deriveAddresses } from './derive.ts'
import { createMnemonicCustody } from './local-mnemonic.ts'

describe('addresses derived from an account’s public key', () => {
  test('are the ones that Anvil and Hardhat print for their words', async () => {
    const custody = createMnemonicCustody('test test test test test test test test test test test junk')
    const addressAt = deriveAddresses(await custody.accountKey("m/44'/60'/0'"), 0)
    assert.deepEqual([0, 1, 2, 3, 9].map(addressAt), [
      '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
      '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
      '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
      '0x90F79bf6EB2c4f870365E785982E1f101E93b906',
      '0xa0Ee7A142d267C1f36714E4a8F75612F20a79720',
    ])
  })

  // BIP-32, test vector 1: the seed 000102…0f, the chain m/0', and the private key of m/0'/1.
  test('are those of BIP-32’s own vectors', () => {
    const account =
      'xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw'
    const child =
      'xprv9wTYmMFdV23N2TdNG573QoEsfRrWKQgWeibmLntzniatZvR9BmLnvSxqu53Kw1UmYPxLgboyZQaXwTCg8MSY3H2EU4pWcQDnRnrVA1xe8fs'
    // What is below m/0'/1 is reached by its private key here, and by m/0' alone there.
    const expected = HDKey.fromExtendedKey(child).deriveChild(5).privateKey!
    assert.equal(deriveAddresses(account, 1)(5), privateKeyToAddress(bytesToHex(expected)))
  })

  test('there are 2^31 of them, and no others', () => {
    const account =
      'xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw'
    const addressAt = deriveAddresses(account, 0)
    for (const index of [-1, 0.5, 0x80000000, Number.NaN]) assert.throws(() => addressAt(index), RangeError)
    assert.match(addressAt(0x7fffffff), /^0x[0-9a-fA-F]{40}$/)
    assert.throws(() => deriveAddresses(account.replace('xpub6', 'xpub7'), 0))
  })
})
