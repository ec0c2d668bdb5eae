import assert from 'node:assert/strict'
import { test } from 'node:test'
import { disturbChoices, timeZones } from './choices.ts'

test('what is set stands first and is chosen; what is over is not', () => {
  const now = new Date(2030, 4, 6, 23, 30)
  const labels = (until: string | null) => disturbChoices(until, now).map(({ label, chosen }) => `${chosen} ${label}`)
  const plain = ['true Off', 'false For an hour', 'false For 8 hours', 'false Until tomorrow at 8:00']
  assert.deepEqual(labels(null), plain)
  assert.deepEqual(labels(new Date(2030, 4, 6, 23, 29).toISOString()), plain)
  const [set, off] = labels(new Date(2030, 4, 6, 23, 45).toISOString())
  assert.match(set!, /^true Until today at (23:45|11:45.PM)$/)
  assert.equal(off, 'false Off')
  const morning = disturbChoices(null, now).at(-1)!
  assert.equal(morning.until, new Date(2030, 4, 7, 8).toISOString())
})

test('a time zone that this browser does not know can stay set', () => {
  assert.ok(timeZones('Mars/Olympus').includes('Mars/Olympus'))
  assert.ok(timeZones('Europe/Berlin').includes('Asia/Tokyo'))
})
