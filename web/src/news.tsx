import type { TimelineMessage } from '@parley/sdk/types'
import { useEffect, useRef, useState } from 'react'
import { useApp, useMe } from './app-context.tsx'
import { announcement, isNews } from './state/announcement.ts'

/** What comes in within this time is announced together. */
const TOGETHER_MS = 800
/** A screen reader has it by then; what was deleted or has disappeared must not go on standing here. */
const SAID_MS = 3_000

/** The page's live region: tells a screen reader of new messages, wherever they arrive. */
export function News({ openId }: { openId: string | undefined }) {
  const { client, listed } = useApp()
  const me = useMe()
  const [text, setText] = useState('')
  const open = useRef(openId)
  open.current = openId
  useEffect(() => {
    let news: TimelineMessage[] = []
    let timer: ReturnType<typeof setTimeout> | undefined
    let said: ReturnType<typeof setTimeout> | undefined
    const tell = () => {
      timer = undefined
      setText(announcement(news, client.conversations.get(), open.current, client.people.get(), me.id))
      news = []
      clearTimeout(said)
      said = setTimeout(() => setText(''), SAID_MS)
    }
    const stop = client.on('message', (message) => {
      // What is found at the first look at the list is on the screen already.
      if (!listed.get() || !isNews(message, client.conversations.get())) return
      news.push(message)
      timer ??= setTimeout(tell, TOGETHER_MS)
    })
    return () => {
      stop()
      clearTimeout(timer)
      clearTimeout(said)
    }
  }, [client, listed, me.id])
  return (
    <div className="visually-hidden" aria-live="polite">
      {text}
    </div>
  )
}
