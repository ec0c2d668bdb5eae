import { type Stack, type StackOptions, startStack } from '@parley/infra/stack'

/** What every whole-system test runs against. */
export const SHAPES = ['all-in-one', 'scale-out'] as const

/** Hashing passwords is not what these tests are about. */
const QUICK = { PARLEY_BCRYPT_COST: '4' }

/** A whole Parley; the scale-out form has two chat nodes behind Nginx. */
export const start = (shape: Stack['shape'], more: Pick<StackOptions, 'env' | 'dataDir' | 'pageSources'> = {}) =>
  startStack({ shape, chatNodes: 2, ...more, env: { ...QUICK, ...more.env } })

/** The addresses of the processes that hold sockets. */
export const chatNodes = (stack: Stack): string[] =>
  stack.shape === 'all-in-one' ? [stack.urlOf('parley')] : [stack.urlOf('chat-1'), stack.urlOf('chat-2')]

/** A partition for each chat node, such that Nginx puts its sockets there. */
export async function partitions(stack: Stack): Promise<number[]> {
  const nodes = chatNodes(stack)
  const found: number[] = []
  for (let partition = 0; partition < 256 && Object.keys(found).length < nodes.length; partition++) {
    const path = `/socket.io/?EIO=4&transport=polling&p=${partition}`
    const opened = await (await fetch(stack.url + path)).text()
    const { sid } = JSON.parse(opened.slice(1)) as { sid: string }
    // Only the node that opened the connection knows it; what is said is a pong.
    const known = await Promise.all(
      nodes.map(async (url) => (await fetch(`${url}${path}&sid=${sid}`, { method: 'POST', body: '3' })).ok),
    )
    found[known.indexOf(true)] ??= partition
  }
  return found
}
