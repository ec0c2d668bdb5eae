import { Menu } from '@base-ui/react/menu'
import type { ComponentProps, ReactNode } from 'react'
import { Icon } from './icon.tsx'
import styles from './menu.module.css'

/** What a menu opens: over the page, at its button or `anchor`, moved to where there is room. */
export function MenuPopup({
  children,
  ...place
}: { children: ReactNode } & Pick<ComponentProps<typeof Menu.Positioner>, 'align' | 'anchor'>) {
  return (
    <Menu.Portal>
      <Menu.Positioner {...place} className={styles.place} sideOffset={2}>
        <Menu.Popup className={styles.menu}>{children}</Menu.Popup>
      </Menu.Positioner>
    </Menu.Portal>
  )
}

/** One thing to do; the menu closes when it is chosen. */
export function MenuItem({
  icon,
  label,
  danger = false,
  onClick,
}: {
  icon: ComponentProps<typeof Icon>['name']
  label: string
  danger?: boolean
  onClick: () => void
}) {
  return (
    <Menu.Item className={styles.item} data-danger={danger || undefined} onClick={onClick}>
      <Icon name={icon} size={18} /> {label}
    </Menu.Item>
  )
}

/** Parts what belongs together from the rest. */
export const MenuLine = () => <Menu.Separator className={styles.line} />
