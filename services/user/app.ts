import { atMostEach } from '@parley/kit/at-most-each'
import type { Bus } from '@parley/kit/bus/bus'
import type { Http } from '@parley/kit/http'
import type { Log } from '@parley/kit/log'
import { openVerifier, type Verifier } from '@parley/kit/token'
import type { UserDirectory } from '@parley/protocol/internal'
import { openAccounts, type Registration } from './accounts.ts'
import type { UserConfig } from './config.ts'
import { contactOutbox } from './contact-outbox.ts'
import { openContacts } from './contacts.ts'
import { openControl } from './control.ts'
import { seedDemo } from './demo.ts'
import { openDirectory } from './directory.ts'
import { openExport } from './export.ts'
import { openForgottenPassword } from './forgotten-password.ts'
import { internalRoutes } from './internal-routes.ts'
import { mailOutbox } from './letters.ts'
import { mailLinks } from './mail-link.ts'
import { deletionOutbox, openOwnAccount } from './own-account.ts'
import { openOwnEmail } from './own-email.ts'
import { openOwnPassword } from './own-password.ts'
import { openPasswords } from './passwords.ts'
import { openPeopleSearch } from './people-search.ts'
import { profileOutbox } from './profile-outbox.ts'
import { openProfiles } from './profiles.ts'
import { openPublicUsers } from './public-user.ts'
import { refreshTokens } from './refresh-token.ts'
import { accountOutbox, startRelay } from './relay.ts'
import { userRoutes } from './routes.ts'
import { securityOutbox } from './security-outbox.ts'
import { openSessions } from './sessions.ts'
import type { UserStore } from './store/store.ts'
import { openThrottle } from './throttle.ts'
import { openTokens } from './tokens.ts'

/** The user service, for its siblings in the same process. Disposing of it stops its work and closes its store. */
export interface UserService extends AsyncDisposable {
  readonly directory: UserDirectory
  /** Verifies access tokens; says nothing of revocation. */
  readonly verifier: Verifier
  /** Adds two demo users to an empty store, and says how to log in as them. */
  seedDemo(): Promise<{ created: boolean; users: Registration[] }>
}

/** The wiring of the user service. `now` is the clock of sessions and tokens. */
export async function startUser(needs: {
  store: UserStore
  bus: Bus
  http: Http
  keys: Record<'signing' | 'refresh' | 'pepper' | 'internal', Buffer>
  config: Pick<UserConfig, 'origins' | 'bcryptCost' | 'limits'> & { publicUrl: string }
  log: Log
  now?: () => number
}): Promise<UserService> {
  const { store, bus, http, keys, config, log, now = Date.now } = needs
  const { limits } = config
  const tokens = await openTokens(keys.signing, limits.accessTokenSeconds * 1000, now)
  const verifier = openVerifier(async () => tokens.jwks(), now)
  const throttle = openThrottle(limits)
  const contactNews = contactOutbox(store.contacts, store.users, bus, (key) => contacts.part(key))
  const links = mailLinks(keys.refresh, config.publicUrl)
  const mailNews = mailOutbox(store.mail, links, now)
  const securityNews = securityOutbox(store.security, store.users)
  const profileNews = profileOutbox(store.profiles, store.users, bus)
  const wake = (): void => relay.wake()
  const passwords = openPasswords(keys.pepper, config.bcryptCost)
  const accounts = openAccounts({ users: store.users, passwords, throttle, registered: wake })
  const control = openControl({ store, bus, log })
  const ownPassword = openOwnPassword({ users: store.users, passwords, throttle, control, written: wake, now })
  const forgottenPassword = openForgottenPassword({ store, passwords, throttle, control, links, written: wake, now })
  const ownEmail = openOwnEmail({ store, ownPassword, throttle, links, written: wake, now })
  const chain = refreshTokens(keys.refresh)
  const sessions = openSessions({ sessions: store.sessions, control, chain, limits, written: wake, now })
  const publicUsers = openPublicUsers(store.profiles)
  const contacts = openContacts({
    contacts: store.contacts,
    accounts,
    publicUsers,
    throttle,
    limits,
    tell: contactNews.tell,
    changed: wake,
  })
  const profiles = openProfiles({
    deletions: store.deletions,
    profiles: store.profiles,
    accounts,
    contacts,
    throttle,
    tell: profileNews.tell,
    changed: wake,
  })
  const peopleSearch = openPeopleSearch({ accounts, profiles, names: store.profiles, publicUsers, key: keys.refresh })
  const ownAccount = openOwnAccount({ ownPassword, control, deletions: store.deletions, deleted: wake, now })
  const departing = deletionOutbox(store.deletions, contacts, store.profiles)
  const outboxes = [accountOutbox(store.users), contactNews, profileNews, mailNews, securityNews, departing]
  const relay = startRelay({ outboxes, bus, log })
  const directory = openDirectory({ accounts, publicUsers, contacts, profiles, control, tokens })

  http.routes.use(
    '/api/user',
    userRoutes({
      accounts,
      sessions,
      ownPassword,
      forgottenPassword,
      ownEmail,
      ownAccount,
      exported: openExport({ sessions, contacts, profiles }),
      tokens,
      verifier,
      throttle,
      contacts,
      profiles,
      publicUsers,
      peopleSearch,
      config,
    }),
  )
  http.routes.get('/.well-known/jwks.json', (_req, res) => {
    res.set('Cache-Control', 'public, max-age=300').json(tokens.jwks())
  })
  http.internal.use(internalRoutes(directory, keys.internal))
  const storeReady = http.ready(
    'user-store',
    atMostEach(1_000, () => store.check().then(() => 'up' as const)),
  )
  const busReady = http.ready('bus', async () => (bus.state === 'up' ? 'up' : 'degraded'))
  const purging = startPurge(store, log, now)

  return {
    directory,
    verifier,
    seedDemo: () => seedDemo(accounts, store.users),
    async [Symbol.asyncDispose]() {
      storeReady[Symbol.dispose]()
      busReady[Symbol.dispose]()
      purging[Symbol.dispose]()
      await relay[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

const HOUR_MS = 3_600_000

/** Forgets sessions and tickets past their end, now and each hour. */
function startPurge(store: UserStore, log: Log, now: () => number): Disposable {
  const purge = (): void => {
    const time = new Date(now()).toISOString()
    const done = Promise.all([store.sessions.purge(time), store.mail.purge(time)])
    done.catch((error: Error) => log.warn({ cause: error.message }, 'old sessions and links not purged'))
  }
  purge()
  const timer = setInterval(purge, HOUR_MS).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
