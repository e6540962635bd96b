import { styleText } from 'node:util'
import type { Received } from './receiver.ts'

export const paint = (style: Parameters<typeof styleText>[0], text: string): string => styleText(style, text)

export const shorten = (text: string): string => (text.length > 80 ? `${text.slice(0, 77)}…` : text)

let number = 0

/** Runs one step of the guide and shows what was asked, what came back, and how long it took. */
export async function step<T>(
  title: string,
  call: string,
  work: () => Promise<T>,
  show: (result: T) => string,
): Promise<T> {
  number += 1
  console.log(`\n${paint('bold', `${number}. ${title}`)}\n   ${paint('cyan', call)}`)
  const at = performance.now()
  const result = await work()
  console.log(
    `   ${paint('green', '✓')} ${show(result)} ${paint('dim', `${Math.round(performance.now() - at)} ms`)}`,
  )
  return result
}

export function showWebhook(event: Received): void {
  const valid = event.signatureIsValid ? paint('green', 'signature valid') : paint('red', 'SIGNATURE WRONG')
  console.log(
    `   ${paint('magenta', '⇠ webhook')} ${paint('bold', event.type)} ${event.id} no. ${event.sequence}, ${valid}`,
  )
}

/** What the last line says, when all went well. */
export function showSuccess(text: string): void {
  console.log(`\n${paint('green', '✓')} ${text}, in ${(performance.now() / 1000).toFixed(1)} s.`)
}
