import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { FcmService } from '@parley/infra/fcm-service'
import type { PushService } from '@parley/infra/push-service'
import type { FcmWebConfig } from '@parley/protocol/notification'
import type { BrowserContext, Route } from 'playwright-core'
import { subscribesAt } from './subscribing.ts'

/** Google's side of Firebase's web client, as a test sees it. */
export interface Firebase {
  config: FcmWebConfig
  /** What the page asked of it: method and path, without the token. */
  readonly asked: string[]
  /** The token that is there now. */
  readonly token: string | undefined
  /** Answers for Google in that browser, whose own push service is then `push`. */
  serve(context: BrowserContext): Promise<void>
}

/**
 * Installations and registrations of FCM's web client, at their own names; tokens are good at `google`. What the browser's own part is (a
 * subscription at its push service, which no test can reach) comes from `push`.
 */
export function openFirebase(google: FcmService, push: PushService, vapidKey: string): Firebase {
  const config: FcmWebConfig = {
    ...{
      apiKey: 'AIzaSyD-0123456789_abcdefghijklmnopqrstu',
      projectId: 'parley-demo',
      messagingSenderId: '123456789012',
    },
    ...{ appId: '1:123456789012:web:0123456789abcdef', vapidKey },
  }
  const access = randomBytes(30).toString('base64url')
  const asked: string[] = []
  let token: string | undefined
  const subscribing = subscribesAt(push)

  async function install(route: Route): Promise<void> {
    const { fid, appId } = route.request().postDataJSON()
    assert.deepEqual([appId, route.request().headers()['x-goog-api-key']], [config.appId, config.apiKey])
    asked.push(pathOf(route))
    const authToken = { token: access, expiresIn: '604800s' }
    await route.fulfill({ headers: OPEN, json: { fid, refreshToken: 'refresh', authToken } })
  }

  async function registrations(route: Route): Promise<void> {
    const request = route.request()
    assert.equal(request.headers()['x-goog-firebase-installations-auth'], `FIS ${access}`)
    asked.push(pathOf(route))
    if (request.method() === 'DELETE') {
      const gone = new URL(request.url()).pathname.split('/').at(-1)!
      assert.equal(gone, token)
      google.unregister(gone)
      token = undefined
      return route.fulfill({ headers: OPEN, json: {} })
    }
    const { web } = request.postDataJSON()
    assert.deepEqual(
      [web.endpoint, web.applicationPubKey],
      [subscribing.browser?.subscription.endpoint, config.vapidKey],
    )
    token = google.register()
    return route.fulfill({ headers: OPEN, json: { token } })
  }

  return {
    config,
    asked,
    get token() {
      return token
    },
    async serve(context) {
      await context.route('https://firebaseinstallations.googleapis.com/**', install)
      await context.route('https://fcmregistrations.googleapis.com/**', registrations)
      await subscribing.serve(context)
    },
  }
}

const OPEN = { 'access-control-allow-origin': '*' }

function pathOf(route: Route): string {
  const { host, pathname } = new URL(route.request().url())
  return `${route.request().method()} ${host}${pathname.split('/').slice(0, 5).join('/')}`
}
