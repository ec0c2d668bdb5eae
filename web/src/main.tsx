import { createClient } from '@parley/sdk'
import { indexedDbStorage } from '@parley/sdk/indexeddb'
import { createRoot } from 'react-dom/client'
import { AppView } from './app.tsx'
import { AppProvider } from './app-context.tsx'
import './base.css'
import { createApp } from './state/app.ts'
import { attention } from './state/attention.ts'
import { deviceName } from './state/device-name.ts'

const client = createClient({ storage: indexedDbStorage(), deviceName: deviceName(navigator.userAgent) })
const app = createApp(client, attention(document, window))
void app.start()

const place = document.getElementById('root')
if (!place) throw new Error('index.html has no #root')
createRoot(place).render(
  <AppProvider value={app}>
    <AppView />
  </AppProvider>,
)
