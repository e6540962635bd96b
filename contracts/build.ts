import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format } from 'node:util'

const require = createRequire(import.meta.url)
const FOLDER = import.meta.dirname
export const ARTIFACTS = join(FOLDER, '../src/providers/chain/artifacts')
export const CONTRACTS = ['Balances', 'Disperse', 'SandboxToken'] as const

export interface Artifact {
  contract: string
  compiler: string
  abi: unknown[]
  bytecode: string
}

/**
 * Compiles our contracts. Compiler, EVM version and optimizer are fixed and the metadata hash is left out, so that
 * the same sources give the same bytes on every machine.
 */
export function compileContracts(): Artifact[] {
  const solc = require('solc')
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(
      CONTRACTS.map((name) => [`${name}.sol`, { content: readSource(`${name}.sol`) }]),
    ),
    settings: {
      evmVersion: 'shanghai',
      optimizer: { enabled: true, runs: 10_000 },
      metadata: { bytecodeHash: 'none', appendCBOR: false },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  }
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: findImport }))
  const errors = (output.errors ?? []).filter((entry: { severity: string }) => entry.severity === 'error')
  if (errors.length > 0)
    throw new Error(errors.map((entry: { formattedMessage: string }) => entry.formattedMessage).join('\n'))
  return CONTRACTS.map((name) => {
    const { abi, evm } = output.contracts[`${name}.sol`][name]
    return { contract: name, compiler: solc.version(), abi, bytecode: `0x${evm.bytecode.object}` }
  })
}

/** What is committed for a contract: one file of JSON with the interface and the bytes to deploy. */
export function artifactText(artifact: Artifact): string {
  return `${JSON.stringify(artifact, null, 2)}\n`
}

export function artifactPath(contract: string): string {
  return join(ARTIFACTS, `${contract}.json`)
}

function readSource(name: string): string {
  return readFileSync(join(FOLDER, name), 'utf8')
}

function findImport(path: string): { contents: string } | { error: string } {
  try {
    return { contents: readFileSync(require.resolve(path), 'utf8') }
  } catch (error) {
    return { error: format('%s cannot be read: %s', path, error) }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const artifact of compileContracts()) {
    writeFileSync(artifactPath(artifact.contract), artifactText(artifact))
    process.stdout.write(`${artifact.contract}: ${artifact.bytecode.length / 2 - 1} bytes\n`)
  }
}
