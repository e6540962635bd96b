/**
 * The integrator's colour, made safe. Any colour may come: white, neon yellow, almost black. From it come, for light
 * and for dark pages, a fill with its text, and a tint for text, links and focus rings, each with the contrast that
 * WCAG 2.2 AA asks for.
 */
export type Rgb = readonly [number, number, number]

export interface BrandShades {
  /** Buttons. Stands out from the page by 3:1. */
  fill: string
  /** A little further from the page than `fill`, for a pressed or hovered button. */
  fillHover: string
  /** Text on `fill` and on `fillHover`, at least 4.5:1. */
  onFill: string
  /** Text, links, focus rings on the page's surfaces, at least 4.5:1. */
  text: string
}

const fallback: Rgb = [37, 64, 182]
const white: Rgb = [255, 255, 255]
const black: Rgb = [0, 0, 0]
const nearBlack: Rgb = [15, 18, 23]

/** The surfaces a shade may stand on, the hardest for contrast: the tinted side panels of `theme.css`. */
const lightSurface: Rgb = [240, 242, 246]
const darkSurface: Rgb = [32, 38, 48]

export function brandShades(color: string | null): { light: BrandShades; dark: BrandShades } {
  const base = parseColor(color) ?? fallback
  return { light: shadesFor(base, lightSurface, black), dark: shadesFor(base, darkSurface, white) }
}

export function parseColor(text: string | null): Rgb | null {
  const digits = /^#([0-9a-f]{6})$/i.exec(text ?? '')?.[1]
  if (!digits) return null
  return [0, 2, 4].map((at) => Number.parseInt(digits.slice(at, at + 2), 16)) as unknown as Rgb
}

/** WCAG 2 contrast ratio, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

function shadesFor(base: Rgb, surface: Rgb, away: Rgb): BrandShades {
  const visible = mixUntil(base, away, (shade) => contrast(shade, surface) >= 3)
  const { fill, onFill } = withText(visible, surface)
  // The hovered button goes away from its text, so that the text can only gain contrast.
  const fillHover = mix(fill, onFill === white ? black : white, 0.14)
  const text = mixUntil(base, away, (shade) => contrast(shade, surface) >= 4.5)
  return { fill: hex(fill), fillHover: hex(fillHover), onFill: hex(onFill), text: hex(text) }
}

/** White text looks best on most brands, so a middle tone is darkened a little for it; a light one takes dark text. */
function withText(fill: Rgb, surface: Rgb): { fill: Rgb; onFill: Rgb } {
  for (let share = 0; share <= 0.2; share += 0.02) {
    const shade = mix(fill, black, share)
    if (contrast(shade, white) >= 4.5 && contrast(shade, surface) >= 3) return { fill: shade, onFill: white }
  }
  const light = mixUntil(fill, white, (shade) => contrast(shade, nearBlack) >= 4.5)
  if (contrast(light, surface) >= 3) return { fill: light, onFill: nearBlack }
  return { fill: mixUntil(fill, black, (shade) => contrast(shade, white) >= 4.5), onFill: white }
}

/** Steps from `from` towards `to` until the shade is good; `to` itself always is. */
function mixUntil(from: Rgb, to: Rgb, good: (shade: Rgb) => boolean): Rgb {
  for (let step = 0; step < 50; step++) {
    const shade = mix(from, to, step / 50)
    if (good(shade)) return shade
  }
  return to
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  return from.map((channel, at) => Math.round(channel + (to[at]! - channel) * share)) as unknown as Rgb
}

function luminance(color: Rgb): number {
  const [r, g, b] = color.map((channel) => {
    const part = channel / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function hex(color: Rgb): string {
  return `#${color.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`
}

/** Writes the shades where `theme.css` reads them. Set by script, not by a style attribute, which the content policy forbids. */
export function applyBrand(color: string | null): void {
  const style = document.documentElement.style
  for (const [mode, shades] of Object.entries(brandShades(color))) {
    style.setProperty(`--brand-${mode}`, shades.fill)
    style.setProperty(`--brand-hover-${mode}`, shades.fillHover)
    style.setProperty(`--brand-on-${mode}`, shades.onFill)
    style.setProperty(`--brand-text-${mode}`, shades.text)
  }
}
