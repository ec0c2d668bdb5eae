import assert from 'node:assert/strict'
import { test } from 'node:test'
import { problemsOf } from './layout.ts'

/** services/chat and kit are packages; all else is the root. */
const packageOf = (path: string): string => /^(services\/chat|kit)\//.exec(path)?.[1] ?? ''

test('a relative import that leaves its package is refused', () => {
  const outside = '../../kit/log.ts'
  const source = `import { a } from './a.ts'\nimport type { Log } from '${outside}'\n`
  assert.match(problemsOf('services/chat/socket.ts', source, packageOf).join('\n'), /kit\/log\.ts leaves the package/)
})

test('relative imports within a package, also between its folders, are allowed', () => {
  const source = "import { a } from './a.ts'\nimport { b } from '../config.ts'\nawait import('./c.ts')\n"
  assert.deepEqual(problemsOf('services/chat/store/mongo.ts', source, packageOf), [])
})

test('an import made at run time is seen too', () => {
  const outside = '../main.ts'
  assert.equal(problemsOf('kit/log.ts', `await import('${outside}')`, packageOf).length, 1)
})

test('a test that would not run is refused', () => {
  const calls = ['on' + 'ly', 'sk' + 'ip', 'to' + 'do'].flatMap((word) => [
    `test.${word}('x', () => {})`,
    `test('x', { ${word}: true }, () => {})`,
  ])
  for (const call of calls) assert.equal(problemsOf('kit/log.test.ts', call, packageOf).length, 1, call)
  assert.deepEqual(problemsOf('kit/log.test.ts', "test('only members', () => {})", packageOf), [])
})
