import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { ALERTS_MOST, type Alert, type AlertRemoval, goneFrom } from './alerts.ts'
import type { Several } from './store.contract.ts'
import type { NotificationStore } from './store.ts'

/** The part of the contract that is about what one is alerted to. */
export function alertsContract(name: string, several: Several): void {
  async function two(t: Parameters<Several>[0]) {
    const [{ alerts: here }, { alerts: there }] = (await several(t, 2)) as [NotificationStore, NotificationStore]
    return { here, there, ann: randomUUID(), bob: randomUUID() }
  }

  test(`${name}: an alert is there once, whoever puts it in how often, and is listed the latest first`, async (t) => {
    const { here, there, ann, bob } = await two(t)
    const [first, second, third] = [1, 2, 2].map((at) => alert(ann, { at })).sort(byTime) as [Alert, Alert, Alert]
    const changes = await Promise.all(
      Array.from({ length: 10 }, (_, i) => [here, there][i % 2]!.put([first, alert(bob, { id: `bobs ${i}` })])),
    )
    for (const change of changes) {
      const anns = change.find(({ userId }) => userId === ann)
      assert.deepEqual([anns?.unread, anns?.items], [1, [first]])
    }
    assert.deepEqual(await there.state(ann), { rev: 1, unread: 1 })
    await here.put([third, second])
    assert.deepEqual(await there.list(ann, undefined, 10), [third, second, first])
    assert.deepEqual(await there.list(ann, undefined, 2), [third, second])
    assert.deepEqual(await there.list(ann, third, 10), [second, first])
    assert.deepEqual(await there.list(ann, first, 10), [])
    assert.equal((await there.state(ann)).unread, 3)
    assert.equal((await there.state(bob)).unread, 10)
    assert.deepEqual(await there.state(randomUUID()), { rev: 0, unread: 0 })
    assert.deepEqual(await there.put([]), [])
  })

  test(`${name}: of an alert the latest state holds, and who is new in it makes it unread again`, async (t) => {
    const { here, there, ann } = await two(t)
    const one = alert(ann, { kind: 'reaction', rev: 5, at: 10, actors: ['bob'], emoji: '👍' })
    const more = { ...one, rev: 7, at: 20, actors: ['cleo', 'bob'], actorCount: 2 }
    const fewer = { ...one, rev: 9, at: 30, actors: ['cleo'], actorCount: 1 }
    await here.put([one])
    await there.read(ann, { ids: [one.id] })
    await Promise.all([here.put([more]), there.put([{ ...one, rev: 6 }]), there.put([more])])
    assert.deepEqual(await here.list(ann, undefined, 10), [more])
    await there.read(ann, { upTo: 20 })
    await there.put([fewer])
    await here.put([more])
    assert.deepEqual(await there.list(ann, undefined, 10), [{ ...fewer, at: 20, read: true }], 'taking back is no news')
    const [none] = await here.put([goneFrom({ ...one, rev: 11 })])
    assert.deepEqual([none?.unread, none?.items[0]?.gone], [0, true])
    await there.put([{ ...more, rev: 10 }])
    assert.deepEqual(await there.list(ann, undefined, 10), [], 'what comes late brings nothing back')
    await there.put([{ ...more, rev: 12 }])
    assert.deepEqual(await there.list(ann, undefined, 10), [{ ...more, rev: 12 }])
    assert.equal((await there.state(ann)).unread, 1)
  })

  test(`${name}: who asked hears that it was accepted, though their own request was nothing to tell them of`, async (t) => {
    const { here, there, ann, bob } = await two(t)
    const asked = alert(ann, { kind: 'contact.requested', rev: 1, actors: [bob] })
    const outgoing = goneFrom(alert(bob, { kind: 'contact.requested', rev: 1, actors: [ann] }))
    await here.put([asked, outgoing])
    assert.deepEqual(await here.list(bob, undefined, 10), [])
    const friends = [
      goneFrom({ ...asked, rev: 2 }),
      alert(bob, { id: outgoing.id, kind: 'contact.accepted', rev: 2, actors: [ann] }),
    ]
    await Promise.all([here.put(friends), there.put(friends)])
    assert.deepEqual(await here.list(ann, undefined, 10), [])
    assert.deepEqual(await here.list(bob, undefined, 10), [friends[1]])
    assert.deepEqual([(await here.state(ann)).unread, (await here.state(bob)).unread], [0, 1])
  })

  test(`${name}: alerts are read once, by ids or up to a time, and by their user alone`, async (t) => {
    const { here, there, ann, bob } = await two(t)
    const all = [1, 2, 3, 4].map((at) => alert(ann, { at }))
    await here.put(all)
    const bobs = alert(bob, { at: 1 })
    await here.put([bobs])
    const { rev } = await here.state(ann)
    assert.deepEqual(await there.read(bob, { ids: [all[0]!.id] }), { ...(await there.state(bob)), changed: false })
    const done = await Promise.all([here, there, here].map((store) => store.read(ann, { ids: [all[3]!.id, 'none'] })))
    assert.equal(done.filter(({ changed }) => changed).length, 1)
    assert.deepEqual(await here.state(ann), { rev: rev + 1, unread: 3 })
    assert.deepEqual(await there.read(ann, { upTo: 2 }), { rev: rev + 2, unread: 1, changed: true })
    assert.deepEqual(await here.read(ann, { upTo: 2 }), { rev: rev + 2, unread: 1, changed: false })
    assert.deepEqual(
      (await here.list(ann, undefined, 10)).map(({ at, read }) => `${at} ${read}`),
      ['4 true', '3 false', '2 true', '1 true'],
    )
    assert.deepEqual(await here.list(bob, undefined, 10), [bobs])
  })

  test(`${name}: what is about a conversation, a message, or by somebody alone, can be taken out, as it was up to then`, async (t) => {
    const { here, there, ann, bob } = await two(t)
    const [own, later] = [4, 5].map((seq) => alert(ann, { conversationId: 'own', at: 1, seq })) as [Alert, Alert]
    const [added, anew] = [7, 9].map((rev) => alert(ann, { kind: 'group.added', conversationId: 'own', at: 1, rev }))
    const other = alert(ann, { conversationId: 'other', at: 2, seq: 4 })
    const many = alert(ann, { kind: 'reaction', at: 3, actors: ['cleo', 'bob'], actorCount: 2 })
    const bobs = alert(ann, { at: 4, actors: ['bob'], actorCount: 1 })
    const asked = alert(ann, { kind: 'contact.requested', at: 5, actors: ['bob'], actorCount: 1, rev: 3 })
    const foreign = alert(bob, { conversationId: 'own', at: 1, seq: 4 })
    await here.put([own, later, added!, anew!, other, many, bobs, asked, foreign])
    const first = await there.remove(ann, { conversationId: 'own', upTo: { rev: 8, seq: 4 } })
    assert.deepEqual([first.gone.sort(), first.items, first.unread], [[own.id, added!.id].sort(), [], 6])
    const second = await here.remove(ann, { actorId: 'bob', upTo: { rev: 2 } })
    const left = { ...many, actors: ['cleo'], actorCount: 1 }
    assert.deepEqual([second.gone, second.items, second.unread], [[bobs.id], [left], 5])
    assert.ok(second.rev > first.rev)
    assert.deepEqual((await there.list(ann, undefined, 10)).slice(0, 3), [asked, left, other])
    assert.deepEqual(await there.remove(ann, { actorId: 'bob', upTo: { rev: 2 } }), { ...second, gone: [], items: [] })
    await here.put([bobs])
    assert.deepEqual((await there.list(ann, undefined, 10)).slice(0, 3), [asked, left, other], 'told again, too')
    assert.equal((await here.state(ann)).unread, 5)
    assert.deepEqual((await here.remove(ann, { actorId: 'bob', upTo: { rev: 3 } })).gone, [asked.id])
    assert.deepEqual((await there.remove(ann, { conversationId: 'own', seq: 6 })).gone, [])
    assert.deepEqual((await there.remove(ann, { conversationId: 'own', seq: 5 })).gone, [later.id])
    assert.deepEqual(await there.list(ann, undefined, 10), [left, other, anew])
    assert.deepEqual(await there.list(bob, undefined, 10), [foreign])
  })

  test(`${name}: who is brought into a group once more is told anew, though they had read of the first time`, async (t) => {
    const { here, there, ann } = await two(t)
    const once = alert(ann, { kind: 'group.added', at: 1, rev: 3, actors: ['bob'], conversationId: 'own' })
    const again = { ...once, at: 5, rev: 9 }
    await here.put([once])
    await there.read(ann, { ids: [once.id] })
    await there.put([again])
    await here.put([once])
    assert.deepEqual(await here.list(ann, undefined, 10), [again])
  })

  test(`${name}: of a user the latest ${ALERTS_MOST} are kept, old ones are forgotten, and all with the user`, async (t) => {
    const { here, there, ann, bob } = await two(t)
    const many = Array.from({ length: ALERTS_MOST + 2 }, (_, at) => alert(ann, { at }))
    await here.put(many)
    const bobs = alert(bob, { at: 1, actors: [ann] })
    await here.put([bobs])
    assert.deepEqual(await there.list(ann, undefined, 1), [many.at(-1)])
    assert.equal((await there.state(ann)).unread, ALERTS_MOST)
    await here.put([many[0]!])
    assert.equal((await there.state(ann)).unread, ALERTS_MOST, 'what is told late takes nobody’s place')
    const { rev } = await here.state(ann)
    const those = (removals: AlertRemoval[]) => removals.flatMap(({ gone }) => gone).toSorted()
    assert.equal(those(await there.expire(10, 5)).length, 5)
    const expired = await there.expire(10, 500)
    const own = many.slice(2, 10).map(({ id }) => id)
    assert.deepEqual(those(expired), [...own, bobs.id].toSorted())
    assert.deepEqual(
      expired.map(({ userId, unread }) => [userId, unread]).toSorted(),
      [
        [ann, ALERTS_MOST - 8],
        [bob, 0],
      ].toSorted(),
    )
    assert.ok((await here.state(ann)).rev > rev)
    assert.deepEqual((await here.list(ann, undefined, 1_000)).at(-1), many[10], 'none of them is listed')
    assert.deepEqual(await here.expire(10, 500), expired, 'and each is given until it is purged')
    await here.put([{ ...bobs, at: 20, rev: 2 }])
    const ids = those(expired)
    assert.equal(await there.purge([...ids, many[10]!.id], 10), 8, 'not what has come again')
    assert.equal(await there.purge(ids, 10), 0)
    assert.deepEqual(await there.expire(10, 500), [])
    assert.equal((await here.state(ann)).unread, ALERTS_MOST - 8)
    await there.forget(ann)
    assert.deepEqual(await here.list(ann, undefined, 10), [])
    assert.deepEqual(await here.state(ann), { rev: 0, unread: 0 })
    assert.equal((await here.state(bob)).unread, 1)
  })
}

const byTime = (a: Alert, b: Alert): number => a.at - b.at || (a.id < b.id ? -1 : 1)

function alert(userId: string, some: Partial<Alert> = {}): Alert {
  const { actors = [], ...rest } = some
  const id = randomUUID()
  return { id, userId, kind: 'mention', at: 1, rev: 1, read: false, actors, actorCount: actors.length, ...rest }
}
