import assert from 'node:assert/strict'
import { numberToHex } from 'viem'
import { createTurns } from '../../src/sandbox/chain/in-turn.ts'
import type { Program } from './program.ts'
import { callNode } from './senders.ts'

/** Longer than a node takes to make a block that it was asked for. */
const REST_MS = 25
/** No test goes deeper than what is not final. */
const LOOKED_AT = 5

const inTurn = createTurns()

/**
 * Replaces the newest block of a local node. The programs stand still meanwhile: an Anvil that makes a block while it
 * replaces one has no block of that number from then on, and nobody can read past the hole.
 */
export function reorganise(program: Pick<Program, 'running'>, url: string): Promise<void> {
  return inTurn(async () => {
    for (const child of program.running) child.kill('SIGSTOP')
    try {
      const height = await restingHeight(url)
      await callNode(url, 'anvil_reorg', 1, [])
      for (let at = height; at > Math.max(0, height - LOOKED_AT); at -= 1) {
        const block = await callNode(url, 'eth_getBlockByNumber', numberToHex(at), false)
        assert.ok(block, `the node has lost block ${at} of ${height}`)
      }
    } finally {
      for (const child of program.running) child.kill('SIGCONT')
    }
  })
}

/** The chain's height once a block that was being made is there. */
async function restingHeight(url: string): Promise<number> {
  let before = Number(await callNode(url, 'eth_blockNumber'))
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, REST_MS))
    const height = Number(await callNode(url, 'eth_blockNumber'))
    if (height === before) return height
    before = height
  }
}
