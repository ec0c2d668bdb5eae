import { createECDH } from 'node:crypto'
import { before, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openFcmService } from '@parley/infra/fcm-service'
import { openPushService } from '@parley/infra/push-service'
import type { Stack } from '@parley/infra/stack'
import { build } from 'vite'
import { cannotSubscribe, isAskedOnce } from './notices/asking.ts'
import { registersAtFirebase } from './notices/firebase.ts'
import { openFirebase } from './notices/google.ts'
import { missesAndReads } from './notices/missed.ts'
import { setsAndTests } from './notices/settings.ts'
import { envOf, type Site } from './notices/site.ts'
import { SHAPES, start } from './shapes.ts'

before(() => build({ configFile: fileURLToPath(new URL('../web/vite.config.ts', import.meta.url)), logLevel: 'warn' }))

for (const shape of SHAPES) {
  test(`a browser notifies, and is told what, when and why (${shape})`, { timeout: 240_000 }, async (t) => {
    const push = await openPushService(t)
    await using stack = await start(shape, { env: envOf(push) })
    const site: Site = { url: stack.url, push }
    await t.test(
      'a message that one misses is pushed, shown by the closed browser, leads to its place, and goes when it is read',
      (own) => missesAndReads(own, site),
    )
    await t.test('one is asked once, after one has sent something, and told what the browser blocks', (own) =>
      isAskedOnce(own, site),
    )
    await t.test(
      'what one sets for all conversations holds on every device; devices are listed, tested and removed',
      (own) => setsAndTests(own, site),
    )
    if (shape === 'all-in-one')
      await t.test('a browser that reaches no push service says so', () => cannotSubscribe(site))
  })

  test(`where the operator has a web app at Firebase, browsers register there, and show what comes from there as ever (${shape})`, {
    timeout: 180_000,
  }, async (t) => {
    const { stack, ...site } = await withFirebase(t, shape)
    await using _stack = stack
    await registersAtFirebase(t, site)
  })
}

/** A Parley that is told of a web app at Firebase as its README says, and Google's side of it. */
async function withFirebase(t: TestContext, shape: Stack['shape']) {
  const push = await openPushService(t)
  const google = await openFcmService(t, [push.certificate])
  const firebase = openFirebase(google, push, createECDH('prime256v1').generateKeys('base64url'))
  const stack = await start(shape, {
    env: {
      ...envOf(push),
      FCM_SERVICE_ACCOUNT: google.account,
      FCM_PROXY: google.proxy,
      NODE_EXTRA_CA_CERTS: google.certificate,
      FCM_WEB_CONFIG: JSON.stringify(firebase.config),
    },
    pageSources: ['https://firebaseinstallations.googleapis.com', 'https://fcmregistrations.googleapis.com'],
  })
  return { stack, url: stack.url, push, google, firebase }
}
