import { useMemo } from 'preact/hooks'
import { encode } from 'uqr'

/** A QR code as one SVG path, black on white in the dark too: many scanners can't read it the other way round. */
export function QrCode({
  text,
  label,
  class: extra = 'w-52',
}: {
  text: string
  label: string
  class?: string
}) {
  const { size, path } = useMemo(() => draw(text), [text])
  return (
    <svg
      class={`block rounded-xl bg-white ${extra}`}
      viewBox={`0 0 ${size} ${size}`}
      shape-rendering="crispEdges"
      role="img"
      aria-label={label}
    >
      <path d={path} fill="#000" />
    </svg>
  )
}

function draw(text: string): { size: number; path: string } {
  const { size, data } = encode(text, { ecc: 'M', border: 3 })
  const cells = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')))
  return { size, path: cells.join('') }
}
