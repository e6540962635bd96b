import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Address, getAddress, type Hex, keccak256, pad } from 'viem'
import type { Custody, UnsignedTransaction } from '../custody/port.ts'
import { ProviderError } from '../provider-error.ts'
import { type BlockRef, type BlockTransfer, type ChainProvider, depthOf } from './port.ts'
import { approveData, disperseData, transferData, transferSucceeded } from './tokens.ts'

/** What the suite needs around a provider: a chain nobody else uses, and a key with coins on it. */
export interface ChainWorld {
  chainId: number
  token: Address
  disperse: Address
  custody: Custody
  /** Holds native coins and at least 1,000,000 units of the token. */
  keyRef: string
  mine(): Promise<void>
  close(): Promise<void>
}

const RECIPIENT: Address = '0x00000000000000000000000000000000000c0ffe'
const OTHER: Address = '0x0000000000000000000000000000000000c0ffee'

/** What holds for every chain provider, whatever stands between us and the node. */
export function chainProviderSuite(
  name: string,
  open: () => Promise<{ provider: ChainProvider; world: ChainWorld }>,
): void {
  describe(`chain provider contract: ${name}`, () => {
    let provider: ChainProvider
    let world: ChainWorld
    let sender: Address

    before(async () => {
      ;({ provider, world } = await open())
      sender = await world.custody.address(world.keyRef)
    })
    after(() => world.close())

    async function sign(
      changes: Partial<UnsignedTransaction> = {},
    ): Promise<{ raw: Hex; hash: Hex; nonce: number }> {
      const nonce = changes.nonce ?? (await provider.nonces(sender)).pending
      const raw = await world.custody.signTransaction(world.keyRef, {
        chainId: world.chainId,
        nonce,
        to: RECIPIENT,
        value: 1n,
        data: '0x',
        gas: 100_000n,
        maxFeePerGas: 100_000_000_000n,
        maxPriorityFeePerGas: 1_000_000_000n,
        ...changes,
      })
      return { raw, hash: keccak256(raw), nonce }
    }

    async function sendOne(raw: Hex) {
      const [result] = await provider.send([raw])
      return result!
    }

    test('the chain is known by its id and its first block', async () => {
      const { chainId, genesisHash } = await provider.identify()
      const [genesis] = await provider.blocks([0])
      assert.equal(chainId, world.chainId)
      assert.equal(genesis?.hash, genesisHash)
    })

    test('the newest block grows by mining and names its parent', async () => {
      const { latest } = await provider.heads()
      await world.mine()
      const next = (await provider.heads()).latest
      assert.equal(next.height, latest.height + 1)
      assert.equal(next.parentHash, latest.hash)
      assert.deepEqual(await provider.blocks([next.height, next.height + 1000]), [next, null])
      assert.equal(depthOf(latest.height, next.height), 2)
    })

    test('a native transfer waits, is mined, has a receipt, and moves the balance', async () => {
      const [before] = await provider.balances([{ address: RECIPIENT, token: null }])
      const { raw, hash, nonce } = await sign({ value: 7n })
      assert.deepEqual(await sendOne(raw), { state: 'taken', hash })
      assert.deepEqual(await provider.receipts([hash]), [null])
      assert.deepEqual(await provider.transactions([hash]), [{ hash, from: sender, nonce, height: null }])
      assert.deepEqual(await provider.nonces(sender), { latest: nonce, pending: nonce + 1 })
      assert.deepEqual(await provider.transactionCounts([RECIPIENT, sender]), [0, nonce])
      await world.mine()
      const { latest } = await provider.heads()
      const [receipt] = await provider.receipts([hash])
      assert.deepEqual(
        [receipt?.hash, receipt?.ok, receipt?.height, receipt?.blockHash],
        [hash, true, latest.height, latest.hash],
      )
      assert.ok(receipt!.gasUnits >= 21_000n)
      assert.equal((await provider.transactions([hash]))[0]?.height, latest.height)
      assert.deepEqual(await provider.balances([{ address: RECIPIENT, token: null }]), [before! + 7n])
    })

    test('token balances and native ones come in the order asked', async () => {
      const of = [OTHER, sender, OTHER].flatMap((address) => [
        { address, token: world.token },
        { address, token: null },
      ])
      const balances = await provider.balances(of)
      assert.equal(balances.length, 6)
      assert.deepEqual(balances.slice(0, 2), balances.slice(4))
      assert.ok(balances[2]! >= 1_000_000n)
    })

    test('balances and counts of transactions after a block stay what they were when others follow', async () => {
      const { latest: before } = await provider.heads()
      const [held] = await provider.nativeBalancesAt([RECIPIENT], before.hash)
      const [sent] = await provider.transactionCounts([sender], before.hash)
      await sendOne((await sign({ value: 9n })).raw)
      await world.mine()
      const { latest: after } = await provider.heads()
      const asked = Array.from({ length: 1_201 }, (_, place) => (place % 600 === 0 ? RECIPIENT : OTHER))
      const expected = (units: bigint) => asked.map((address) => (address === RECIPIENT ? units : 0n))
      assert.deepEqual(await provider.nativeBalancesAt(asked, before.hash), expected(held!))
      assert.deepEqual(await provider.nativeBalancesAt(asked, after.hash), expected(held! + 9n))
      assert.deepEqual(await provider.nativeBalancesAt([], after.hash), [])
      assert.deepEqual(await provider.transactionCounts([sender, OTHER], before.hash), [sent, 0])
      assert.deepEqual(await provider.transactionCounts([sender, OTHER], after.hash), [sent! + 1, 0])
      const nowhere = pad('0x01', { size: 32 })
      await assert.rejects(provider.nativeBalancesAt([OTHER], nowhere), ProviderError)
      await assert.rejects(provider.transactionCounts([OTHER], nowhere), ProviderError)
    })

    test('a token that is not there has no balance, not even zero', async () => {
      await assert.rejects(provider.balances([{ address: sender, token: OTHER }]), ProviderError)
    })

    test('the same bytes sent again are taken, waiting and mined', async () => {
      const { raw, hash } = await sign()
      assert.deepEqual(await provider.send([raw, raw]), [
        { state: 'taken', hash },
        { state: 'taken', hash },
      ])
      await world.mine()
      assert.deepEqual(await sendOne(raw), { state: 'taken', hash })
    })

    test('another transaction under a mined nonce is told from a taken one', async () => {
      const { raw, nonce } = await sign()
      await sendOne(raw)
      await world.mine()
      assert.equal((await sendOne((await sign({ nonce, value: 2n })).raw)).state, 'nonce_used')
    })

    test('a higher fee replaces a waiting transaction, the same fee does not', async () => {
      const first = await sign()
      await sendOne(first.raw)
      assert.equal((await sendOne((await sign({ nonce: first.nonce, value: 3n })).raw)).state, 'rejected')
      const fees = { maxFeePerGas: 200_000_000_000n, maxPriorityFeePerGas: 2_000_000_000n }
      const second = await sign({ nonce: first.nonce, ...fees })
      assert.equal((await sendOne(second.raw)).state, 'taken')
      await world.mine()
      const receipts = await provider.receipts([first.hash, second.hash])
      assert.deepEqual(
        receipts.map((receipt) => receipt?.ok),
        [undefined, true],
      )
    })

    test('a transaction for another chain is rejected with a reason', async () => {
      const result = await sendOne((await sign({ chainId: 1 })).raw)
      assert.ok(result.state === 'rejected' && result.reason.length > 0)
    })

    test('a token transfer is simulated, estimated and sent; one beyond the balance is refused with its reason', async () => {
      const call = (units: bigint) => ({
        from: sender,
        to: world.token,
        data: transferData(OTHER, units),
        value: 0n,
      })
      const [good, bad] = await provider.simulate([call(5n), call(10n ** 60n)])
      assert.ok(good?.ok && transferSucceeded(good.data))
      assert.ok(bad && !bad.ok && /ERC20InsufficientBalance/.test(bad.reason), JSON.stringify(bad))
      const [gas, noGas] = await provider.estimateGas([call(5n), call(10n ** 60n)])
      assert.ok(gas?.ok && gas.gas > 21_000n && gas.gas < 100_000n)
      assert.ok(noGas && !noGas.ok)
    })

    test('a reverted transaction has a receipt that says so, and cost gas', async () => {
      const { raw, hash } = await sign({ to: world.token, value: 0n, data: transferData(OTHER, 10n ** 60n) })
      await sendOne(raw)
      await world.mine()
      const [receipt] = await provider.receipts([hash])
      assert.equal(receipt?.ok, false)
      assert.ok(receipt.gasUnits > 0n)
    })

    test('a batch pays each under an allowance, and nobody when one transfer fails', async () => {
      const balances = () =>
        provider.balances([RECIPIENT, OTHER].map((address) => ({ address, token: world.token })))
      const before = await balances()
      const pay = async (units: bigint[], allowance: bigint) => {
        const approve = await sign({
          to: world.token,
          value: 0n,
          data: approveData(world.disperse, allowance),
        })
        const data = disperseData(world.token, [RECIPIENT, OTHER], units)
        const batch = await sign({
          nonce: approve.nonce + 1,
          to: world.disperse,
          value: 0n,
          data,
          gas: 300_000n,
        })
        await provider.send([approve.raw, batch.raw])
        await world.mine()
        return (await provider.receipts([batch.hash]))[0]?.ok
      }
      assert.equal(await pay([11n, 22n], 33n), true)
      assert.deepEqual(await balances(), [before[0]! + 11n, before[1]! + 22n])
      assert.equal(await pay([11n, 23n], 33n), false)
      assert.deepEqual(await balances(), [before[0]! + 11n, before[1]! + 22n])
    })

    test('what a transaction moved can be read from the chain', async () => {
      const native = await sign({ value: 13n })
      const token = await sign({
        nonce: native.nonce + 1,
        to: world.token,
        value: 0n,
        data: transferData(OTHER, 17n),
      })
      await provider.send([native.raw, token.raw])
      assert.equal(await provider.movements(native.hash), null)
      await world.mine()
      assert.deepEqual(await provider.movements(native.hash), [
        { token: null, from: sender, to: getAddress(RECIPIENT), units: 13n },
      ])
      assert.deepEqual(await provider.movements(token.hash), [
        { token: world.token, from: sender, to: getAddress(OTHER), units: 17n },
      ])
    })

    test('what moved in blocks is read by their hashes and by their range alike', async () => {
      const first = (await provider.heads()).latest.height + 1
      const before = (await provider.nonces(sender)).latest
      const of = (place: number, changes: Partial<UnsignedTransaction>) =>
        sign({ nonce: before + place, ...changes })
      const token = (units: bigint) => ({ to: world.token, value: 0n, data: transferData(OTHER, units) })
      const sent: Hex[] = []
      const mineSome = async (...signed: { raw: Hex; hash: Hex }[]): Promise<void> => {
        sent.push(...signed.map(({ hash }) => hash))
        await provider.send(signed.map(({ raw }) => raw))
        await world.mine()
      }
      await mineSome(await of(0, token(19n)), await of(1, { value: 23n }))
      await mineSome()
      await mineSome(await of(2, token(10n ** 60n)), await of(3, { value: 0n }), await of(4, token(29n)))
      const blocks = (await provider.blocks([first, first + 1, first + 2])) as BlockRef[]
      const tokens = [world.token]
      const facts = (transfers: BlockTransfer[]) =>
        transfers
          .map(({ token, hash, height, blockHash, index, from, to, units }) => {
            assert.equal(blockHash, blocks[height - first]!.hash)
            assert.equal(from, sender.toLowerCase())
            assert.equal(to, to.toLowerCase())
            assert.equal(index < 0, token === null)
            return [sent.indexOf(hash), token, units] as const
          })
          .sort((a, b) => a[0] - b[0])
      const all = [
        [0, world.token, 19n],
        [1, null, 23n],
        [4, world.token, 29n],
      ]
      for (const native of [true, false]) {
        const expected = all.filter(([, coin]) => native || coin !== null)
        assert.deepEqual(facts(await provider.transfersIn(blocks, { tokens, native })), expected)
        assert.deepEqual(
          facts(await provider.transfersBetween(first, blocks[2]!, { tokens, native })),
          expected,
        )
        assert.deepEqual(
          facts(await provider.transfersBetween(first + 1, blocks[2]!, { tokens, native })),
          all.slice(2),
        )
      }
      const onlyNative = { tokens: [], native: true }
      assert.deepEqual(facts(await provider.transfersIn(blocks, onlyNative)), [all[1]])
      assert.deepEqual(facts(await provider.transfersBetween(first, blocks[2]!, onlyNative)), [all[1]])
    })

    test('a block that is not on the chain has no transfers, not even none', async () => {
      const { latest } = await provider.heads()
      const gone = { ...latest, hash: keccak256('0x01') }
      for (const native of [true, false]) {
        const coins = { tokens: [world.token], native }
        await assert.rejects(provider.transfersIn([gone], coins), ProviderError)
        await assert.rejects(provider.transfersBetween(latest.height, gone, coins), ProviderError)
      }
    })

    test('fees are positive wei', async () => {
      const { baseFeePerGas, priorityFeePerGas } = await provider.fees()
      assert.ok(baseFeePerGas >= 0n && priorityFeePerGas >= 0n && baseFeePerGas + priorityFeePerGas > 0n)
    })

    test('nothing asked is nothing answered', async () => {
      assert.deepEqual(
        await Promise.all([
          provider.send([]),
          provider.receipts([]),
          provider.transactions([]),
          provider.balances([]),
          provider.simulate([]),
        ]),
        [[], [], [], [], []],
      )
    })
  })
}
