import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type BrandShades, brandShades, contrast, parseColor, type Rgb } from './brand.ts'

const rgb = (hex: string): Rgb => parseColor(hex)!
/** The surfaces of `theme.css` that shades stand on: page, side, raised. */
const surfaces = { light: ['#ffffff', '#f5f6f9'], dark: ['#0f1217', '#161a21', '#1b2029'] }
const anyColor = fc
  .integer({ min: 0, max: 0xffffff })
  .map((value) => `#${value.toString(16).padStart(6, '0')}`)

function assertReadable(shades: BrandShades, mode: 'light' | 'dark', of: string): void {
  const text = contrast(rgb(shades.onFill), rgb(shades.fill))
  assert.ok(text >= 4.5, `${of} ${mode}: text on the button ${text}`)
  const hovered = contrast(rgb(shades.onFill), rgb(shades.fillHover))
  assert.ok(hovered >= 4.5, `${of} ${mode}: text on the hovered button ${hovered}`)
  for (const surface of surfaces[mode]) {
    const link = contrast(rgb(shades.text), rgb(surface))
    assert.ok(link >= 4.5, `${of} ${mode}: link on ${surface} ${link}`)
    const edge = contrast(rgb(shades.fill), rgb(surface))
    assert.ok(edge >= 3, `${of} ${mode}: button on ${surface} ${edge}`)
  }
}

describe('brandShades', () => {
  it('keeps the contrast of WCAG AA whatever colour the integrator has', () => {
    fc.assert(
      fc.property(anyColor, (color) => {
        const { light, dark } = brandShades(color)
        assertReadable(light, 'light', color)
        assertReadable(dark, 'dark', color)
      }),
      { numRuns: 3000 },
    )
  })

  it('leaves a colour alone that is good as it is', () => {
    assert.equal(brandShades('#2540b6').light.fill, '#2540b6')
    assert.equal(brandShades('#2540b6').light.onFill, '#ffffff')
  })

  it('puts dark text on a light colour', () => {
    assert.equal(brandShades('#ffe500').dark.onFill, '#0f1217')
  })

  it('is what the style sheet falls back to before any colour is known', () => {
    const css = readFileSync(new URL('./theme.css', import.meta.url), 'utf8')
    const names = { fill: '', fillHover: '-hover', onFill: '-on', text: '-text' }
    for (const [mode, shades] of Object.entries(brandShades(null))) {
      for (const [shade, name] of Object.entries(names)) {
        const value = shades[shade as keyof typeof shades]
        assert.ok(css.includes(`var(--brand${name}-${mode}, ${value})`), `${mode} ${shade} ${value}`)
      }
    }
  })

  it('takes its own blue where the colour can’t be read', () => {
    assert.deepEqual(brandShades('red; background: url(x)'), brandShades(null))
  })
})

describe('contrast', () => {
  it('is that of WCAG', () => {
    assert.equal(contrast(rgb('#000000'), rgb('#ffffff')), 21)
    assert.equal(contrast(rgb('#777777'), rgb('#ffffff')).toFixed(2), '4.48')
  })
})
