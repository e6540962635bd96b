/** Line icons of one family, 24 × 24, drawn here so that no other host or font is asked. All are decoration. */
const paths = {
  check: 'M5 12.5l4.5 4.5L19 7.5',
  cross: 'M6 6l12 12M18 6L6 18',
  alert: 'M12 8v5M12 16.5v.01M12 3l9.5 17h-19z',
  info: 'M12 11v5M12 8v.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z',
  clock: 'M12 7v5l3 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z',
  card: 'M3 7.5A1.5 1.5 0 0 1 4.5 6h15A1.5 1.5 0 0 1 21 7.5v9a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 16.5zM3 10.5h18M6.5 15h3',
  bank: 'M4 10l8-5 8 5M5 10v8M10 10v8M14 10v8M19 10v8M3.5 20h17',
  transfer: 'M4 9h14l-4-4M20 15H6l4 4',
  wallet:
    'M4 8.5V17a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-7a1.5 1.5 0 0 0-1.5-1.5zM4 8.5A2 2 0 0 1 6 6.5l10-2v4M16 13.5v.01',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  external: 'M14 4h6v6M20 4l-9 9M18 14v5H5V6h5',
  camera: 'M4 8.5h3.5L9 6h6l1.5 2.5H20v10.5H4zM12 16.5a3.25 3.25 0 1 0 0-6.5 3.25 3.25 0 0 0 0 6.5z',
  upload: 'M12 16V5M7.5 9.5L12 5l4.5 4.5M5 19h14',
  phone: 'M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11 18h2',
  scan: 'M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M4 12h16',
  lock: 'M6.5 11h11v9h-11zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  id: 'M3 6h18v12H3zM8 13a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM5.5 16c.5-1.5 4.5-1.5 5 0M14 10h4M14 13.5h4',
  face: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9 10v.01M15 10v.01M8.5 14.5c1.8 2 5.2 2 7 0',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM5 20c.5-7 13.5-7 14 0',
  back: 'M19 12H5M11 6l-6 6 6 6',
  chevron: 'M6 9.5l6 6 6-6',
  globe:
    'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3 12h18M12 3c3.5 3.5 3.5 14.5 0 18M12 3c-3.5 3.5-3.5 14.5 0 18',
  offline:
    'M3 3l18 18M5 12.5c1-.9 2-1.6 3.2-2.1M2 9c1-.9 2-1.6 3.1-2.2M19 12.5c-1.3-1.2-2.9-2-4.6-2.4M22 9c-3-2.6-7-3.7-10.8-3.3M9 16c1.8-1.2 4.2-1.2 6 0M12 19.5v.01',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l4.5 4.5',
} as const

export type IconName = keyof typeof paths

export function Icon({ name, class: extra = 'size-5' }: { name: IconName; class?: string }) {
  return (
    <svg
      class={`shrink-0 ${extra}`}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.75"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={paths[name]} />
    </svg>
  )
}

export function Spinner({ class: extra = 'size-5' }: { class?: string }) {
  return (
    <svg class={`spin shrink-0 ${extra}`} viewBox="0 0 24 24" fill="none" aria-hidden="true">
      <circle cx="12" cy="12" r="9" stroke="currentColor" stroke-width="3" opacity="0.25" />
      <path d="M21 12a9 9 0 0 0-9-9" stroke="currentColor" stroke-width="3" stroke-linecap="round" />
    </svg>
  )
}
