import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Behaviour, mailServer } from '@parley/infra/mail-server'
import type { NoticeTest } from '@parley/protocol/notification'
import { openParley, type Person } from './telling.fixture.ts'

test('a test goes to each device, whatever is set, and says what each push service answered', async (t) => {
  const parley = await openParley(t)
  const ann = await parley.person('ann')
  assert.deepEqual(said(await tested(ann)), [
    'settings good: None of your settings for all conversations holds messages back now.',
    'devices bad: None of your devices is registered for push notifications.',
    'mail held: No mail leaves this server: it was kept for who runs it.',
  ])
  await ann.browser('Laptop')
  await ann.browser('Phone')
  await ann.ask('PATCH', '/api/notifications/preferences', { push: false })
  parley.push.answers = [{ status: 201 }, { status: 410 }]
  const report = await tested(ann)
  const answers = said(report)
    .slice(2, 4)
    .map((line) => line.replace(/^push (\w+) (Laptop|Phone)/, 'push $1'))
  assert.deepEqual(said(report).slice(0, 2), [
    'settings held: You have turned push notifications off: messages are not pushed until you turn them on.',
    'devices good: 2 devices are registered for push notifications.',
  ])
  assert.deepEqual(answers.toSorted(), [
    'push bad: The device is not registered any more.',
    'push good: The push service took it.',
  ])
  assert.deepEqual(
    parley.push.pushed.map(({ body }) => body),
    [{ v: 1, tag: 'test', test: report.id }],
  )
  assert.equal(parley.push.pushed[0]?.headers.urgency, 'high')
  assert.ok(report.steps.slice(2, 4).every(({ current }) => current))
})

test('what a push service cannot take now is said to wait, and arrives when it can', async (t) => {
  const parley = await openParley(t)
  const ann = await parley.person('ann')
  await ann.browser('Laptop')
  parley.push.answers = [{ status: 503 }]
  const report = await tested(ann)
  // It may have been tried again by the time that the answer is made.
  assert.match(said(report)[2]!, /^push waiting Laptop: .*tried again \(503\)|^push good/)
  const [arrived] = await parley.push.until(1)
  assert.equal(arrived?.body.test, report.id)
})

test('tests are few, and each user has one’s own', async (t) => {
  const parley = await openParley(t)
  const [ann, bob] = [await parley.person('ann'), await parley.person('bob')]
  for (let n = 0; n < 3; n++) await tested(ann)
  const { status, body } = await ann.ask('POST', '/api/notifications/test')
  assert.deepEqual([status, body.code, body.retryAfterMs > 0], [429, 'rate.limited', true])
  await tested(bob)
})

async function tested(person: Person): Promise<NoticeTest> {
  const { status, body } = await person.ask('POST', '/api/notifications/test')
  assert.equal(status, 200, JSON.stringify(body))
  return body
}

const said = ({ steps }: NoticeTest): string[] =>
  steps.map(({ step, state, device, text }) => `${step} ${state}${device === undefined ? '' : ` ${device}`}: ${text}`)

test('a mail goes too, in one’s own language, and what the mail server answered is said', async (t) => {
  const behaviour: Behaviour = {}
  const server = await mailServer(t, behaviour)
  const parley = await openParley(t, { SMTP_URL: server.url, MAIL_FROM: 'Parley <parley@example.net>' })
  const ann = await parley.person('ann')
  await ann.ask('PATCH', '/api/notifications/preferences', { locale: 'de' })
  assert.equal(said(await tested(ann)).at(-1), 'mail good: The mail server took it.')
  const [mail] = server.received
  assert.deepEqual([mail?.to, mail?.parsed.subject], [['ann@example.org'], 'Ein Test von Parley'])
  behaviour.letter = () => '451 4.3.0 busy'
  assert.match(said(await tested(ann)).at(-1)!, /^mail waiting: .*tried again \(.*busy/)
  behaviour.letter = () => '554 5.7.1 looks like spam'
  assert.match(said(await tested(ann)).at(-1)!, /^mail bad: It could not be sent \(.*spam/)
})
