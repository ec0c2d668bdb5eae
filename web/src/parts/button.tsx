import type { ComponentProps } from 'react'
import styles from './button.module.css'
import { Icon } from './icon.tsx'

type Look = 'main' | 'plain' | 'danger' | 'quiet'

/** A button with words on it. While `busy` it cannot be pressed, and keeps the focus. */
export function Button({
  look = 'plain',
  busy = false,
  type = 'button',
  ...rest
}: ComponentProps<'button'> & { look?: Look; busy?: boolean }) {
  const { onClick, ...others } = rest
  return (
    <button
      {...others}
      type={type}
      className={styles.button}
      data-look={look}
      aria-busy={busy || undefined}
      aria-disabled={busy || undefined}
      onClick={(event) => (busy ? event.preventDefault() : onClick?.(event))}
    />
  )
}

/** A button with only a drawing on it; `label` is its name. */
export function IconButton({
  icon,
  label,
  ...rest
}: ComponentProps<'button'> & { icon: Parameters<typeof Icon>[0]['name']; label: string }) {
  return (
    <button type="button" {...rest} className={styles.icon} aria-label={label} title={label}>
      <Icon name={icon} />
    </button>
  )
}
