/**
 * Shows what is being done once it takes longer than a second: a line that counts the seconds on a terminal, a plain
 * line now and then elsewhere. What is quick is never mentioned. Everything goes to standard error, so that a
 * command's own output stays clean. Runs on Node 20 without any package.
 */
const QUIET_MS = 1000
const PLAIN_EVERY_MS = 10_000

/**
 * @template T
 * @param {string} what A sentence's beginning: "Installing packages".
 * @param {(say: (detail: string) => void) => Promise<T>} work May say in what stage it is.
 * @returns {Promise<T>}
 */
export async function withProgress(what, work) {
  const begun = performance.now()
  const terminal = process.stderr.isTTY === true
  let detail = ''
  let shown = false
  let plainAt = QUIET_MS
  const draw = () => {
    const elapsedMs = performance.now() - begun
    if (elapsedMs < QUIET_MS) return
    const line = `${what}${detail && `: ${detail}`} … ${Math.floor(elapsedMs / 1000)} s`
    if (terminal) {
      process.stderr.write(`\r\x1b[K${paint('2', line)}`)
      shown = true
    } else if (elapsedMs >= plainAt) {
      process.stderr.write(`${shown ? line : `${what} …`}\n`)
      plainAt = elapsedMs + PLAIN_EVERY_MS
      shown = true
    }
  }
  const timer = setInterval(draw, 250)
  const clear = () => {
    clearInterval(timer)
    if (terminal && shown) process.stderr.write('\r\x1b[K')
  }
  try {
    const result = await work((text) => {
      detail = text
    })
    clear()
    if (shown) process.stderr.write(`${paint('32', '✓')} ${what}, ${seconds(performance.now() - begun)}\n`)
    return result
  } catch (error) {
    clear()
    throw error
  }
}

/** `1.4 s`, `23 s` */
export function seconds(ms) {
  return ms < 9950 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`
}

/** Colours a text where colour is shown and wanted (NO_COLOR, FORCE_COLOR). */
export function paint(code, text, stream = process.stderr) {
  const { NO_COLOR, FORCE_COLOR } = process.env
  const wanted = FORCE_COLOR ? FORCE_COLOR !== '0' : stream.isTTY === true && !NO_COLOR
  return wanted ? `\x1b[${code}m${text}\x1b[0m` : text
}
