import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadPyodide } from 'pyodide'

/** What a receiver has in hand when a webhook came. */
export interface Incoming {
  rawBody: Buffer
  /** Names in lower case. */
  headers: Record<string, string>
  apiSecret: string
  /** The receiver's clock, in Unix seconds; its own unless told. */
  nowSeconds?: number
}

export type Verifier = (incoming: Incoming) => Promise<boolean>

const FOLDER = join(import.meta.dirname, '../../examples/webhooks')
const source = (file: string): string => readFileSync(join(FOLDER, file), 'utf8')

/** The documentation's verification code, each file run by an interpreter of its language. */
export const VERIFIERS: Record<string, () => Promise<Verifier>> = {
  'verify.mjs': javaScript,
  'verify.py': python,
  'verify.php': php,
}

async function javaScript(): Promise<Verifier> {
  const { isGenuine } = await import(join(FOLDER, 'verify.mjs'))
  return async ({ rawBody, headers, apiSecret, nowSeconds }) =>
    asBoolean(isGenuine(rawBody, headers, apiSecret, nowSeconds))
}

async function python(): Promise<Verifier> {
  const pyodide = await loadPyodide()
  pyodide.runPython(source('verify.py'))
  return async ({ rawBody, headers, apiSecret, nowSeconds }) => {
    pyodide.globals.set(
      'given',
      JSON.stringify({ raw: rawBody.toString('base64'), headers, apiSecret, nowSeconds }),
    )
    return asBoolean(
      pyodide.runPython(
        'import base64, json\ng = json.loads(given)\nis_genuine(base64.b64decode(g["raw"]), g["headers"], g["apiSecret"], g.get("nowSeconds"))',
      ),
    )
  }
}

/** What is used of the PHP packages, whose own declarations name files that are not there. */
interface PhpPackages {
  getPHPLoaderModule(): Promise<unknown>
  loadPHPRuntime(loader: unknown, options: object): Promise<number>
  PHP: new (runtime: number) => { run(request: { code: string }): Promise<{ text: string; errors: string }> }
}

async function php(): Promise<Verifier> {
  const packages = await Promise.all(
    ['@php-wasm/node-8-4', '@php-wasm/universal'].map((name) => import(name)),
  )
  const { getPHPLoaderModule, loadPHPRuntime, PHP }: PhpPackages = Object.assign({}, ...packages)
  const runtime = new PHP(await loadPHPRuntime(await getPHPLoaderModule(), {}))
  const code = source('verify.php')
  return async ({ rawBody, headers, apiSecret, nowSeconds }) => {
    const given = JSON.stringify({ raw: rawBody.toString('base64'), headers, apiSecret, nowSeconds })
    const encoded = Buffer.from(given).toString('base64')
    const call = `$g = json_decode(base64_decode('${encoded}'), true);
echo json_encode(isGenuine(base64_decode($g['raw']), $g['headers'], $g['apiSecret'], $g['nowSeconds'] ?? null));`
    const { text, errors } = await runtime.run({ code: `${code}\n${call}` })
    if (errors !== '') throw new Error(errors)
    return asBoolean(JSON.parse(text))
  }
}

function asBoolean(answer: unknown): boolean {
  if (typeof answer !== 'boolean') throw new TypeError(`The verification answered ${String(answer)}.`)
  return answer
}
