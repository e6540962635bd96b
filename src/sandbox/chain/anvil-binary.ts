import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)
const ARCHITECTURES: Partial<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/**
 * The node's binary in the npm package of this platform. The package's own wrapper script is passed by: a process
 * between us and the node would make it neither detachable nor adoptable.
 */
export function findAnvilBinary(
  platform: string = process.platform,
  architecture: string = process.arch,
): string {
  const name = `@foundry-rs/anvil-${platform}-${ARCHITECTURES[architecture] ?? architecture}`
  const file = platform === 'win32' ? 'anvil.exe' : 'anvil'
  const path = packageFolder(name)
  const binary = path && join(path, 'bin', file)
  if (!binary || !existsSync(binary)) {
    throw new Error(
      `The local chain needs the npm package ${name}, which is not installed. Run npm ci without --omit=optional, or set POLYGON_RPC_URL and BSC_RPC_URL.`,
    )
  }
  return binary
}

function packageFolder(name: string): string | undefined {
  // The platform package is a dependency of the main one and may be nested below it.
  const from = createRequire(require.resolve('@foundry-rs/anvil/package.json'))
  try {
    return dirname(from.resolve(`${name}/package.json`))
  } catch {
    // Not installed on this platform: the caller says how to mend it.
    return undefined
  }
}
