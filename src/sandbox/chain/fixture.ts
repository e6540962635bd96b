import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClock } from '../../kernel/clock.ts'
import { createMnemonicCustody } from '../../providers/custody/local-mnemonic.ts'
import { type Checkpoint, openSandboxChain, type SandboxChain } from './chains.ts'
import { mineBlock } from './miner.ts'

/** Words that every developer knows: for chains that live as long as a test. */
export const TEST_MNEMONIC = 'test test test test test test test test test test test junk'

export interface TestChain extends SandboxChain {
  mine(blocks?: number): Promise<void>
  /** Ends the node and removes its folder. */
  close(): Promise<void>
}

/** A local chain of its own in a temporary folder, with nobody mining. */
export async function openTestChain(
  chain = 'polygon',
  options: { dataDir?: string; checkpointOf?: (chain: string) => Promise<Checkpoint | null> } = {},
): Promise<TestChain> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'cryptopocket-chain-'))
  const opened = await openSandboxChain({
    chain,
    dataDir,
    clock: createClock(),
    custody: createMnemonicCustody(TEST_MNEMONIC),
    checkpointOf: options.checkpointOf ?? (async () => null),
    onNotice: () => {},
  })
  return {
    ...opened,
    async mine(blocks = 1) {
      for (let block = 0; block < blocks; block += 1) await mineBlock(opened.node())
    },
    async close() {
      await opened.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
