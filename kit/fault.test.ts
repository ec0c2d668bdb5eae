import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FAULT_STATUS, type FaultCode } from '@parley/protocol/fault'
import { z } from 'zod'
import { asFault, Fault, parse, parser, problem } from './fault.ts'

test('a refusal says its code, status and what to do, and never its cause', () => {
  const cause = new Error('password of the database is hunter2')
  const fault = new Fault('unavailable', 'Try again shortly', { cause, retryAfterMs: 1_500.2 })
  assert.deepEqual(problem(fault, 'req-1'), {
    type: 'urn:parley:problem:unavailable',
    title: 'Not available for the moment',
    status: 503,
    code: 'unavailable',
    detail: 'Try again shortly',
    requestId: 'req-1',
    retryable: true,
    retryAfterMs: 1501,
  })
})

test('whatever else is thrown is an internal error that says nothing', () => {
  for (const thrown of [new TypeError('x is undefined'), 'a string', undefined, null, 42, { code: 'not_found' }]) {
    const said = problem(thrown, 'req-1')
    assert.equal(said.code, 'internal')
    assert.equal(said.status, 500)
    assert.doesNotMatch(JSON.stringify(said), /undefined|a string|42/)
  }
  const defect = new TypeError('x is undefined')
  assert.equal(asFault(defect).cause, defect)
})

test('every code has a status and a title', () => {
  for (const code of Object.keys(FAULT_STATUS) as FaultCode[]) {
    const said = problem(new Fault(code, 'why'), 'req-1')
    assert.equal(said.status, FAULT_STATUS[code])
    assert.ok(said.title)
  }
})

test('input that is wrong is refused with a pointer to each thing that is', () => {
  const schema = z.object({ name: z.string(), 'a/b~c': z.object({ list: z.array(z.number()) }) })
  assert.deepEqual(parse(schema, { name: 'x', 'a/b~c': { list: [1] }, more: 1 }), { name: 'x', 'a/b~c': { list: [1] } })
  assert.throws(
    () => parse(schema, { 'a/b~c': { list: [1, 'x'] } }),
    (error: Fault) => {
      assert.equal(error.code, 'validation.failed')
      assert.deepEqual(
        error.errors?.map(({ pointer }) => pointer),
        ['/name', '/a~1b~0c/list/1'],
      )
      return true
    },
  )
  for (const input of [undefined, null, 'text', 7, []])
    assert.throws(() => parse(schema, input), { code: 'validation.failed' })
})

test('of very much that is wrong only a part is told', () => {
  const many = Array.from({ length: 500 }, () => 'x')
  const { errors } = asFault(z.array(z.number()).safeParse(many).error)
  assert.equal(errors?.length, 20)
})

test('a compiled parser is asked first, and refuses in the words of its schema', () => {
  const schema = z.object({ seq: z.number() })
  const parseSeq = parser(schema, (input) => (input === 'known' ? { seq: 7 } : undefined))
  assert.deepEqual(parseSeq('known'), { seq: 7 })
  for (const input of [undefined, { seq: 'x' }, []]) {
    const refusal = (parseIt: (input: unknown) => unknown): unknown => {
      try {
        return parseIt(input)
      } catch (error) {
        return problem(error, 'req-1')
      }
    }
    assert.deepEqual(
      refusal(parseSeq),
      refusal((it) => parse(schema, it)),
    )
  }
})
