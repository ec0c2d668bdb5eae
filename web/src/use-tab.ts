import type { ConversationView } from '@parley/sdk/types'
import { useEffect } from 'react'
import { useTitles } from './app-context.tsx'
import { tabTitle, totalUnread } from './state/badge.ts'
import { strings } from './strings.ts'

/** Shows on the browser's tab where one is and what is unread. */
export function useTab(conversations: readonly ConversationView[], openId: string | undefined): void {
  const unread = totalUnread(conversations)
  const titles = useTitles()
  const open = conversations.find((one) => one.id === openId)
  const title = open && titles(open)
  useEffect(() => {
    document.title = tabTitle(unread, title)
    showIcon(unread > 0)
    showBadge(unread)
    return () => {
      document.title = strings.product
      showIcon(false)
      showBadge(0)
    }
  }, [unread, title])
}

function showIcon(unread: boolean): void {
  document.querySelector('link[rel=icon]')?.setAttribute('href', unread ? '/favicon-unread.svg' : '/favicon.svg')
}

/** On the icon of the app, where it was installed and the browser has such a thing. */
function showBadge(unread: number): void {
  const shown = unread > 0 ? navigator.setAppBadge?.(unread) : navigator.clearAppBadge?.()
  shown?.catch(() => undefined)
}
