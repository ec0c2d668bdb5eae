// `npm run dlq -- list [queue]`, `-- replay <queue> <id>|--all`, `-- drop <queue> <id>|--all`: what no service could take, on the broker that RABBITMQ_URL names.
import { type DeadLetter, type DeadLetters, openDeadLetters, SUBSCRIPTION_NAMES } from '@parley/kit/bus/dead-letters'
import { reader } from '@parley/kit/config'
import type { SubscriptionName } from '@parley/protocol/events'

const LISTED = 1_000
const USAGE = `Usage: npm run dlq -- list [queue]
       npm run dlq -- replay <queue> <id>|--all
       npm run dlq -- drop <queue> <id>|--all
Queues: ${SUBSCRIPTION_NAMES.join(', ')}. RABBITMQ_URL names the broker; all-in-one has none.`

/** What is wrong with how it was called. */
class Misused extends Error {}

if (import.meta.main) {
  try {
    for (const line of await dlq(process.argv.slice(2), process.env)) console.log(line)
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = error instanceof Misused ? 2 : 1
  }
}

/** Runs one command; gives the lines to show. */
export async function dlq(args: readonly string[], env: Record<string, string | undefined>): Promise<string[]> {
  const [command, queue, which, ...more] = args
  if (more.length > 0) throw new Misused(USAGE)
  switch (command) {
    case 'list': {
      if (which !== undefined) throw new Misused(USAGE)
      const names = queue === undefined ? SUBSCRIPTION_NAMES : [nameOf(queue)]
      return on(env, async (letters) => {
        const all: DeadLetter[] = []
        for (const name of names) all.push(...(await letters.list(name, LISTED)))
        return all.length === 0 ? ['There are no dead letters.'] : all.map(lineOf)
      })
    }
    case 'replay':
    case 'drop': {
      const [name, id] = [nameOf(queue), idOf(which)]
      return on(env, async (letters) => {
        const count = await letters[command](name, id)
        return [`${count} ${command === 'drop' ? 'dropped' : `given to ${name} again`}`]
      })
    }
    default:
      throw new Misused(USAGE)
  }
}

async function on(
  env: Record<string, string | undefined>,
  act: (letters: DeadLetters) => Promise<string[]>,
): Promise<string[]> {
  const read = reader(env)
  const url = read.requiredUrl('RABBITMQ_URL', ['amqp:', 'amqps:'], 'the event bus')
  read.throwIfInvalid()
  await using letters = await openDeadLetters(url)
  return await act(letters)
}

function nameOf(queue: string | undefined): SubscriptionName {
  const found = SUBSCRIPTION_NAMES.find((name) => name === queue)
  if (!found) throw new Misused(USAGE)
  return found
}

/** Undefined for all: that must be said, so that no slip of the hand does it. */
function idOf(which: string | undefined): string | undefined {
  if (which === undefined || (which.startsWith('--') && which !== '--all')) throw new Misused(USAGE)
  return which === '--all' ? undefined : which
}

const lineOf = ({ subscription, id, type, occurredAt = 'unknown', attempts, reason }: DeadLetter): string =>
  [subscription, id, type, occurredAt, `tried ${attempts ?? 'unknown'}`, reason].join('\t')
