import { after, before } from 'node:test'
import { accessHolds } from './access/check.ts'
import { LIMITS } from './access/limits.ts'
import { settle, type Town } from './access/scene.ts'
import { start } from './shapes.ts'

// The table of who may what on MongoDB and RabbitMQ, through Nginx; access.test.ts in the top folder asks the embedded form the same.
const AT_ONCE = 3
const stack = new AsyncDisposableStack()
let towns: Town[]

before(async () => {
  const parley = stack.use(await start('scale-out', { env: LIMITS }))
  towns = await Promise.all(Array.from({ length: AT_ONCE }, async () => stack.use(await settle(parley))))
})
after(() => stack.disposeAsync())

accessHolds(Array.from({ length: AT_ONCE }, (_, n) => () => towns[n]!))
