import { useRoute } from 'wouter'
import { useApp, useReadable } from './app-context.tsx'
import { ChatOf } from './chat/chat.tsx'
import { ConnectionBanner } from './connection-banner.tsx'
import styles from './home.module.css'
import { JoinGroup } from './join.tsx'
import { KeepsNothing } from './keeps-nothing.tsx'
import { ConversationList } from './list/list.tsx'
import { News } from './news.tsx'
import { AskBar } from './notifications/ask-bar.tsx'
import { Notice } from './parts/notice.tsx'
import { Refusals } from './refusals.tsx'
import { strings } from './strings.ts'
import { useTab } from './use-tab.ts'

/** What one sees while signed in: the list, and the open conversation beside it; on a phone one of the two. */
export function Home() {
  const [, params] = useRoute('/c/:id')
  const openId = params?.id
  // Also where one came from making an account, which is a page of its own.
  const [, invite] = useRoute('/join/:code/:more?')
  const conversations = useReadable(useApp().client.conversations)
  useTab(conversations, openId)
  return (
    <div className={styles.home} data-open={openId || invite ? 'chat' : 'list'}>
      <h1 className="visually-hidden">{strings.product}</h1>
      <div className={styles.banners}>
        <KeepsNothing />
        <ConnectionBanner />
      </div>
      <nav className={styles.list} aria-label={strings.list.region}>
        <ConversationList conversations={conversations} openId={openId} />
      </nav>
      <main className={styles.chat}>
        {openId && <AskBar />}
        {openId ? (
          <ChatOf key={openId} id={openId} />
        ) : invite ? (
          <JoinGroup key={invite.code} code={invite.code} />
        ) : (
          <Notice title={strings.chat.none} hint={strings.chat.noneHint} />
        )}
      </main>
      <News openId={openId} />
      <Refusals />
    </div>
  )
}
