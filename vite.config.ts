import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import preact from '@preact/preset-vite'
import tailwind from '@tailwindcss/vite'
import { defineConfig, type Plugin } from 'vite'

/** Each HTML file is one page of `dist/web`; the server gives it out under the page's own address. */
const pages = [
  'payment',
  'kyc',
  'kyb',
  'onboarding',
  'simulators/card',
  'simulators/bank',
  'simulators/paypal',
  'simulators/local',
]

/** Writes `.br` and `.gz` beside each text file once, so that the server compresses nothing while it serves. */
function precompress(): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    async writeBundle(options) {
      const folder = options.dir!
      const files = (await readdir(folder, { recursive: true })).filter((f) => /\.(js|css|html|svg)$/.test(f))
      for (const file of files) {
        const path = join(folder, file)
        const bytes = await readFile(path)
        const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }
        await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes, quality))
        await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }))
      }
    },
  }
}

export default defineConfig({
  root: 'web',
  base: '/',
  publicDir: false,
  plugins: [preact({ devToolsEnabled: false, prefreshEnabled: false }), tailwind(), precompress()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    manifest: true,
    // As far back as Tailwind's own style sheets reach.
    target: ['chrome111', 'firefox128', 'safari16.4'],
    // The content policy allows neither inline scripts nor data: fonts and styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: Object.fromEntries(pages.map((page) => [page.replace('/', '-'), `web/${page}.html`])),
    },
  },
})
