import { execFile } from 'node:child_process'

/** A block of code on a page of the documentation. */
export interface ShownBlock {
  language: string
  label: string
  code: string
}

/** The blocks of code in a piece of a page's HTML, in their order, as a press on "Copy" gives them. */
export function blocksOf(html: string): ShownBlock[] {
  const figures = html.matchAll(
    /<figure class="code" data-language="(\w+)"><figcaption>(.*?)<\/figcaption><pre[^>]*><code>([\s\S]*?)<\/code>/g,
  )
  return [...figures].map(([, language, label, code]) => ({
    language: language!,
    label: textOf(label!),
    code: textOf(code!),
  }))
}

const textOf = (html: string): string =>
  html
    .replaceAll(/<[^>]+>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')

/** Runs a script as a reader's shell does, with these variables; answers what it wrote. */
export function paste(script: string, variables: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('bash', ['-c', script], { env: { ...process.env, ...variables } }, (error, stdout, stderr) =>
      error ? reject(new Error(`${script}\n${stdout}${stderr}`)) : resolve(stdout),
    )
  })
}
