import { need } from './which.ts'

/** The browser's program. */
export const chromium = (): string =>
  need(
    'Chromium',
    'chromium',
    'chromium-browser',
    'google-chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  )
