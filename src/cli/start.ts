import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// Halves the time that loading takes, from the second start on; that it can't be written there only costs that time.
enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/node'))
const { runProgram } = await import('./run-program.ts')
await runProgram()
