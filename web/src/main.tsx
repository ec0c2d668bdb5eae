import { createClient } from '@parley/sdk'
import { indexedDbStorage } from '@parley/sdk/indexeddb'
import { createRoot } from 'react-dom/client'
import { AppView } from './app.tsx'
import { AppProvider } from './app-context.tsx'
import './base.css'
import { Broken } from './broken.tsx'
import { createApp } from './state/app.ts'
import { deviceName } from './state/device-name.ts'
import { watchPage } from './state/page.ts'

const client = createClient({ storage: indexedDbStorage(), deviceName: deviceName(navigator.userAgent) })
const app = createApp(client, watchPage(document, window))
void app.start()

const place = document.getElementById('root')
if (!place) throw new Error('index.html has no #root')
createRoot(place).render(
  <Broken>
    <AppProvider value={app}>
      <AppView />
    </AppProvider>
  </Broken>,
)
