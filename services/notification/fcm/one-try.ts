import { AsyncLocalStorage } from 'node:async_hooks'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent, type AgentOptions } from 'node:https'
import type { PushOutcome } from '../push-service.ts'
import { afterOf, nameOf } from '../push-service.ts'

/**
 * An agent under which a client that tries again by itself, and cannot be stopped, tries once and stops with the signal: whether and when
 * it is tried again is the ledger's to say, which alone knows whether another process may have it by then.
 */
export interface OneTry {
  readonly agent: Agent
  /** What `send` gives, or `later` as soon as the signal aborts or a second try would begin. */
  run(signal: AbortSignal, send: () => Promise<PushOutcome>): Promise<PushOutcome>
}

interface Try {
  signal: AbortSignal
  begun: boolean
  /** What went wrong with it, for whoever is told that it is over. */
  failed?: string
  over(outcome: PushOutcome): void
}

/** What every agent has, and the types do not: a request asks it for a connection. */
type AddRequest = (this: Agent, request: ClientRequest, options: unknown) => void
const addRequest = (Agent.prototype as unknown as { addRequest: AddRequest }).addRequest

class OneTryAgent extends Agent {
  readonly #tries: AsyncLocalStorage<Try>

  constructor(tries: AsyncLocalStorage<Try>, options: AgentOptions) {
    super(options)
    this.#tries = tries
  }

  addRequest(request: ClientRequest, options: unknown): void {
    const own = this.#tries.getStore()
    if (!own || own.signal.aborted || own.begun) {
      own?.over({ kind: 'later', detail: own.failed ?? 'no answer' })
      throw new Error('it was tried already')
    }
    own.begun = true
    const stop = (): void => void request.destroy(new Error('its time is over'))
    own.signal.addEventListener('abort', stop, { once: true })
    request.once('close', () => own.signal.removeEventListener('abort', stop))
    request.once('error', (error) => {
      own.failed = nameOf({ cause: error, name: 'Error' })
    })
    request.once('response', ({ statusCode, headers }: IncomingMessage) => {
      // The client would wait as long as it was told to, which is longer than this may take.
      if (statusCode === 503) own.over(unavailable(headers['retry-after']))
    })
    addRequest.call(this, request, options)
  }
}

export function openOneTry(options: AgentOptions): OneTry {
  const tries = new AsyncLocalStorage<Try>()
  return {
    agent: new OneTryAgent(tries, options),
    async run(signal, send) {
      const { promise, resolve } = Promise.withResolvers<PushOutcome>()
      const stopped = (): void => resolve({ kind: 'later', detail: 'no answer in time' })
      if (signal.aborted) stopped()
      signal.addEventListener('abort', stopped, { once: true })
      try {
        return await Promise.race([promise, tries.run({ signal, begun: false, over: resolve }, send)])
      } finally {
        signal.removeEventListener('abort', stopped)
      }
    },
  }
}

function unavailable(retryAfter: string | undefined): PushOutcome {
  const afterMs = afterOf(retryAfter)
  return { kind: 'later', detail: '503 UNAVAILABLE', ...(afterMs !== undefined && { afterMs }) }
}
