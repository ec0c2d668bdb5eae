import { createClient } from '@parley/sdk'
import { indexedDbStorage } from '@parley/sdk/indexeddb'
import { orMemory } from '@parley/sdk/or-memory'
import { createRoot } from 'react-dom/client'
import { navigate } from 'wouter/use-browser-location'
import { AppView } from './app.tsx'
import { AppProvider } from './app-context.tsx'
import './base.css'
import { Broken } from './broken.tsx'
import { browserPush } from './notifications/browser-push.ts'
import { NoticesProvider } from './notifications/context.ts'
import { takePlace, watchNotices } from './notifications/notices.ts'
import { createApp } from './state/app.ts'
import { deviceName } from './state/device-name.ts'
import { watchPage } from './state/page.ts'

const push = browserPush(window)
const storage = orMemory(indexedDbStorage())
const client = createClient({
  storage,
  deviceName: deviceName(navigator.userAgent),
  ...(push && { push }),
})
const app = createApp(client, watchPage(document, window), storage.lasting)
app.wanted.set(takePlace(window))
const notices = watchNotices({
  client,
  page: app.page,
  window,
  go(place) {
    app.wanted.set(place)
    navigate(place ? `/c/${place.conversationId}` : '/')
  },
})
void app.start()

const place = document.getElementById('root')
if (!place) throw new Error('index.html has no #root')
createRoot(place).render(
  <Broken>
    <AppProvider value={app}>
      <NoticesProvider value={notices}>
        <AppView />
      </NoticesProvider>
    </AppProvider>
  </Broken>,
)
