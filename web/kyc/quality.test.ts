import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { judgePicture } from './quality.ts'

const size = { width: 128, height: 96 }
const large = { width: 1600, height: 1200 }

/** A picture by a rule for the grey of each point. */
function picture(grey: (x: number, y: number) => number) {
  const pixels = new Uint8ClampedArray(size.width * size.height * 4)
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const value = grey(x, y)
      pixels.set([value, value, value, 255], (y * size.width + x) * 4)
    }
  }
  return { pixels, ...size }
}

/** Stripes as sharp as print, or rolling softly. */
const print = (dark: number, light: number) => (x: number) => (Math.floor(x / 4) % 2 ? dark : light)
const soft = (x: number) => 128 + 100 * Math.sin(x / 20)

describe('judgePicture', () => {
  it('has nothing against a sharp, bright picture', () => {
    assert.deepEqual(judgePicture(picture(print(60, 220)), large), [])
  })

  it('sees blur, darkness, glare and smallness', () => {
    assert.deepEqual(judgePicture(picture(soft), large), ['blurred'])
    assert.deepEqual(judgePicture(picture(print(5, 60)), large), ['too_dark'])
    assert.deepEqual(judgePicture(picture(print(225, 255)), large), ['too_bright'])
    assert.deepEqual(judgePicture(picture(print(60, 220)), { width: 1600, height: 499 }), ['too_small'])
  })

  it('sees that there is nothing to see', () => {
    assert.deepEqual(
      judgePicture(
        picture(() => 12),
        large,
      ),
      ['unreadable'],
    )
  })
})
