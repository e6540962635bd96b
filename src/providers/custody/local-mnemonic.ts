import { HDKey } from '@scure/bip32'
import { mnemonicToSeedSync, validateMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { bytesToHex } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { ProviderError } from '../provider-error.ts'
import { type Custody, isAccountPath, isKeyRef, toSerializable } from './port.ts'

/** Deriving a key takes milliseconds; a hot wallet's is asked for all the time. The oldest is forgotten first. */
const KEPT_ACCOUNTS = 500

/** Custody over BIP-39 words held in this process. For the sandbox, and for operators who seal the words themselves. */
export function createMnemonicCustody(mnemonic: string): Custody {
  if (!validateMnemonic(mnemonic, wordlist)) {
    throw new ProviderError(
      'custody',
      'rejected',
      'the wallet words are not a valid BIP-39 mnemonic (12 to 24 English words with a checksum)',
    )
  }
  const master = HDKey.fromMasterSeed(mnemonicToSeedSync(mnemonic))
  const accounts = new Map<string, PrivateKeyAccount>()

  function getAccount(keyRef: string): PrivateKeyAccount {
    const kept = accounts.get(keyRef)
    if (kept) return kept
    if (!isKeyRef(keyRef)) {
      throw new ProviderError(
        'custody',
        'rejected',
        `"${keyRef}" is not the path of a key, such as m/44'/60'/0'/0/0`,
      )
    }
    const { privateKey } = master.derive(keyRef)
    if (!privateKey) throw new ProviderError('custody', 'rejected', `no key can be derived at ${keyRef}`)
    const account = privateKeyToAccount(bytesToHex(privateKey))
    if (accounts.size >= KEPT_ACCOUNTS) {
      for (const oldest of accounts.keys()) {
        accounts.delete(oldest)
        break
      }
    }
    accounts.set(keyRef, account)
    return account
  }

  return {
    address: async (keyRef) => getAccount(keyRef).address,
    async accountKey(path) {
      if (!isAccountPath(path)) {
        throw new ProviderError(
          'custody',
          'rejected',
          `"${path}" is not the path of an account, such as m/44'/60'/1'`,
        )
      }
      return master.derive(path).publicExtendedKey
    },
    signTransaction: async (keyRef, transaction) =>
      getAccount(keyRef).signTransaction(toSerializable(transaction)),
  }
}
