import styles from './icon.module.css'

const paths = {
  send: 'M4 12 20 4l-5 16-3.5-6.5L4 12Zm7.5 1.5L20 4',
  back: 'M19 12H5m6-6-6 6 6 6',
  chat: 'M5 5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-8l-5 4v-4H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2Zm7 3v6m-3-3h6',
  group:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm-6 9c0-3.5 2.7-6 6-6s6 2.5 6 6M16 4.3a3.5 3.5 0 0 1 0 6.4M17.5 14.3c2.1.8 3.5 2.9 3.5 5.7',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-9.5V16m0-8h.01',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-14v5l3 2',
  check: 'm5 13 4.5 4.5L19 7',
  checks: 'm2 13 4.5 4.5L15 8m-4 8.5 1.5 1L22 7',
  alert: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-13.5v5m0 3.5h.01',
  close: 'M6 6l12 12M18 6 6 18',
  down: 'm6 9 6 6 6-6',
  up: 'm6 15 6-6 6 6',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Zm4.8-1.7L20 20',
  calendar: 'M5 6h14v14H5zM5 10h14M9 3v4m6-4v4',
  edit: 'M4 20h4L19 9l-4-4L4 16v4Zm9-13 4 4',
  device: 'M4 5h16v11H4zM9 20h6m-3-4v4',
  key: 'M8 19a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm3-7 8-8m-4 4 3 3',
  mail: 'M4 6h16v12H4zm0 1 8 6 8-6',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  plus: 'M12 6v12M6 12h12',
  copy: 'M9 9h11v11H9zM15 9V4H4v11h5',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5m4-5v5',
  pin: 'M9 4h6l-1 6 3 3v2H7v-2l3-3-1-6Zm3 11v5',
  star: 'm12 4 2.5 5.2 5.7.8-4.1 4 1 5.6-5.1-2.7-5.1 2.7 1-5.6-4.1-4 5.7-.8L12 4Z',
  bell: 'M6 17V11a6 6 0 0 1 12 0v6l1.5 2h-15L6 17Zm4 4h4',
  muted: 'M6 17V11c0-1 .2-1.9.6-2.7M9 5.8A6 6 0 0 1 18 11v4m-2 4H4.5L6 17m4 4h4M4 4l16 16',
  archive: 'M4 5h16v4H4zM6 9v10h12V9m-8 4h4',
  block: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM5.7 5.7l12.6 12.6',
  reply: 'M10 7 5 12l5 5m-5-5h8c4 0 6 2 6 6',
  forward: 'm14 7 5 5-5 5m5-5h-8c-4 0-6 2-6 6',
  at: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm4-4v1.5a2.5 2.5 0 0 0 5 0V12a9 9 0 1 0-4 7.5',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 8c.6-3.6 3.6-6 7.5-6s6.9 2.4 7.5 6',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12Zm9.5 2.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6Z',
  leave: 'M10 5H5v14h5m4-3 4-4-4-4m4 4H9',
} as const

/** A small drawing; it says nothing to a screen reader, the words beside it do. */
export function Icon({ name, size = 20 }: { name: keyof typeof paths; size?: number }) {
  const flips = name === 'reply' || name === 'forward' || name === 'back' || name === 'send' || name === 'leave'
  return (
    <svg
      className={flips ? styles.flips : styles.icon}
      width={size}
      height={size}
      viewBox="0 0 24 24"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} />
    </svg>
  )
}
