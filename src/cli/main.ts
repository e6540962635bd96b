import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// As for the program itself: a command's own work mostly takes less time than loading what it is made of.
enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/node'))
await import('./run-command.ts')
