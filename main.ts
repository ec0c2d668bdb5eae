import { join } from 'node:path'
import { chatConfig, openChat } from '@parley/chat'
import { embeddedBus } from '@parley/kit/bus/embedded'
import { reader } from '@parley/kit/config'
import { type Http, listen } from '@parley/kit/http'
import { makeKeys } from '@parley/kit/keys'
import { openLog } from '@parley/kit/log'
import { servePages } from '@parley/kit/pages'
import { serveReference } from '@parley/kit/reference'
import { toldToStop } from '@parley/kit/stop'
import { notificationConfig, openNotification, pageSources, showCapturedMail } from '@parley/notification'
import { openUser, userConfig } from '@parley/user'
import { type DataFolder, openDataFolder } from './data-folder.ts'

/** All of Parley in one process: one port, SQLite files in one folder that it holds, an embedded bus. */
async function run(): Promise<void> {
  const { config, folder, http: listening, log } = await prepare()
  await using _folder = folder
  await using http = listening
  makeKeys(config.chat.keyFile)
  await using bus = embeddedBus({ log })
  await using user = await openUser(config.user, bus, http, log)
  await using chat = await openChat(config.chat, bus, http, user.directory, log)
  const siblings = { users: user.directory, chat: chat.directory }
  await using notification = await openNotification(config.notification, bus, http, siblings, log)
  // Mail that nobody sends is shown where that is to the person at this machine, and kept either way.
  const { captured } = notification
  const here = LOOPBACK.has(config.host) && LOOPBACK.has(new URL(config.user.publicUrl ?? 'http://localhost').hostname)
  if (here && captured) showCapturedMail(http.routes, captured)
  serveReference(http.routes)
  const hasPages = servePages(http.fallback, join(import.meta.dirname, 'web', 'dist'))
  const demo = LOOPBACK.has(config.host) ? (await user.seedDemo()).users : []
  const stopped = toldToStop()
  http.started()
  greet(
    `http://${config.host === '127.0.0.1' ? 'localhost' : config.host}:${http.port}`,
    hasPages,
    here && captured !== undefined,
    demo,
  )
  await stopped
}

const LOOPBACK = new Set(['127.0.0.1', '::1', '[::1]', 'localhost'])

/** Reads the settings, takes the data folder and the port; throws one error that names all that is wrong with any of them. */
async function prepare() {
  const read = reader(process.env)
  const internalPort = read.integer('INTERNAL_PORT', -1, -1, 65_535)
  const config = {
    host: read.text('HOST', '127.0.0.1'),
    port: read.port('PORT', 3000),
    data: read.text('PARLEY_DATA', 'data'),
    user: userConfig(read),
    chat: chatConfig(read),
    notification: notificationConfig(read),
  }
  const log = openLog('parley', read.logLevel('LOG_LEVEL', 'warn'))
  let folder: DataFolder | undefined
  let http: Http | undefined
  try {
    folder = openDataFolder(config.data)
  } catch (error) {
    read.problem((error as Error).message)
  }
  try {
    // Metrics and internal routes only where they are asked for, so that two can run on one machine.
    http = await listen({
      ...config,
      log,
      connectSources: pageSources(config.notification),
      starting: true,
      ...(internalPort >= 0 && { internalPort }),
    })
  } catch (error) {
    read.problem((error as Error).message)
  }
  try {
    read.throwIfInvalid()
  } catch (error) {
    folder?.[Symbol.dispose]()
    await http?.[Symbol.asyncDispose]()
    throw error
  }
  return { config, folder: folder!, http: http!, log }
}

function greet(
  url: string,
  hasPages: boolean,
  showsMail: boolean,
  demo: readonly { email: string; password: string }[],
): void {
  console.log(`Parley is ready: ${url}${hasPages ? '' : ' (the web client is not built: npm start builds it)'}`)
  if (showsMail) console.log(`No mail leaves this machine: it is shown at ${url}/dev/mail`)
  if (demo.length === 0) return
  console.log('Two people are there to try it with, each in a browser of its own:')
  for (const { email, password } of demo) console.log(`  ${email}   password: ${password}`)
}

try {
  await run()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
