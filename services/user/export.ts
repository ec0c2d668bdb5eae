import type { Actor } from '@parley/kit/token'
import { CONTACT_LISTS } from '@parley/protocol/contact'
import type { ExportLine } from '@parley/protocol/export'
import type { OwnUser } from '@parley/protocol/user'
import type { Contacts } from './contacts.ts'
import type { Profiles } from './profiles.ts'
import type { Sessions } from './sessions.ts'

/** All that this service has of a user, in batches; ends with `auth.invalid` once the session is over. */
export type Export = (actor: Actor, account: OwnUser) => AsyncGenerator<readonly ExportLine[]>

const PAGE = 100

export function openExport(needs: {
  sessions: Pick<Sessions, 'get' | 'list'>
  contacts: Pick<Contacts, 'list'>
  profiles: Pick<Profiles, 'own'>
}): Export {
  const { sessions, contacts, profiles } = needs

  return async function* (actor, account) {
    const devices = await sessions.list(actor)
    let lines = 2 + devices.length
    yield [
      { type: 'account', account },
      { type: 'profile', profile: await profiles.own(actor.userId) },
      ...devices.map((session) => ({ type: 'session' as const, session })),
    ]
    for (const list of CONTACT_LISTS)
      for (let after: string | undefined; ; ) {
        await sessions.get(actor)
        const page = await contacts.list(actor.userId, list, after, PAGE)
        lines += page.items.length
        yield page.items.map((contact) => ({ type: 'contact', list, contact }))
        after = page.nextCursor
        if (after === undefined) break
      }
    yield [{ type: 'end', part: 'account', lines }]
  }
}
