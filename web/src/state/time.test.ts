import assert from 'node:assert/strict'
import { test } from 'node:test'
import { strings } from '../strings.ts'
import { clockTime, dayLabel, daysAgo, sentenceTime, shortTime } from './time.ts'

const now = new Date(2026, 2, 10, 12, 0)
const local = (day: number, hour: number, month = 2, year = 2026) => new Date(year, month, day, hour).toISOString()

test('days are counted by midnights on the calendar of the reader', () => {
  assert.equal(daysAgo(local(10, 0), now), 0)
  assert.equal(daysAgo(local(9, 23), now), 1)
  assert.equal(daysAgo(local(3, 1), now), 7)
  assert.equal(daysAgo(local(11, 1), now), -1)
})

test('the line of a day says today, yesterday, the weekday, then the date, with the year when it is another', () => {
  assert.equal(dayLabel(local(10, 8), now), strings.time.today)
  assert.equal(dayLabel(local(9, 8), now), strings.time.yesterday)
  assert.match(dayLabel(local(6, 8), now), /^\p{L}+$/u)
  assert.doesNotMatch(dayLabel(local(6, 8, 0), now), /26/)
  assert.match(dayLabel(local(6, 8, 0, 2024), now), /24/)
})

test('the list shows the hour today and the day before', () => {
  assert.equal(shortTime(local(10, 8), now), clockTime(local(10, 8)))
  assert.equal(shortTime(local(9, 8), now), strings.time.yesterday)
  assert.match(shortTime(local(1, 8), now), /1/)
})

test('a time in a sentence has its day', () => {
  assert.equal(sentenceTime(local(10, 8), now), strings.time.todayAt(clockTime(local(10, 8))))
  assert.equal(sentenceTime(local(9, 8), now), strings.time.yesterdayAt(clockTime(local(9, 8))))
})
