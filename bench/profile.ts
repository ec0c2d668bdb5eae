import { WebSocket } from 'ws'

/** Where a server's CPU went, in shares of the time that its threads were busy. */
export interface Shares {
  /** By part, largest first. */
  parts: [part: string, share: number][]
  /** By function, largest first. */
  functions: [name: string, share: number][]
}

/** A running profile of a server that was started with `--inspect`. */
export interface Profiling {
  stop(): Promise<Shares>
}

/** The part of V8's profile that is read here. Times in microseconds. */
interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number }; children?: number[] }[]
  samples: number[]
  timeDeltas: number[]
}

const SAMPLE_EVERY_MICROS = 500

/** What a stack belongs to: the first rule that the function, or else one of its callers from the inside out, fits. */
const PARTS: readonly [part: string, name: RegExp | undefined, url: RegExp | undefined][] = [
  ['garbage collection', /^\(garbage collector\)$/, undefined],
  ['kernel write', /^(writev|writeLatin1String|writeUtf8String|writeAsciiString|writeBuffer)$/, /^$/],
  ['event loop and native code of Node', /^\((program|root)\)$/, undefined],
  ['store', undefined, /services\/chat\/store\//],
  ['WebSocket', undefined, /node_modules\/ws\//],
  ['Engine.IO and Socket.IO', undefined, /node_modules\/(engine\.io|socket\.io)/],
  ['validation', undefined, /node_modules\/zod|\/protocol\//],
  ['frames in and out', undefined, /services\/chat\/(socket|handshake|frames|wire|writer)[^/]*\.ts/],
  ['fan-out', undefined, /services\/chat\/(fanout|audience|delivery|slices|connections|people)[^/]*\.ts/],
  ['relay and bus', undefined, /services\/chat\/relay\.ts|kit\/bus\//],
  ['rules of sending and receipts', undefined, /services\/chat\/|kit\//],
  ['streams of Node', undefined, /^node:(internal\/)?(streams?|net|stream_base_commons|events)/],
  ['other code of Node', undefined, /^node:/],
]

/** Profiles all threads of the process whose inspector listens there. */
export async function profile(inspectorPort: number): Promise<Profiling> {
  const targets = (await (await fetch(`http://127.0.0.1:${inspectorPort}/json/list`)).json()) as [
    { webSocketDebuggerUrl: string },
  ]
  const inspector = await connect(targets[0].webSocketDebuggerUrl)
  await inspector.ask('NodeWorker.enable', { waitForDebuggerOnStart: false })
  const threads = [inspector.ask, ...inspector.workers.map((id) => inspector.askWorker(id))]
  for (const ask of threads) {
    await ask('Profiler.enable')
    await ask('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_MICROS })
    await ask('Profiler.start')
  }
  return {
    async stop() {
      const profiles: Profile[] = []
      for (const ask of threads) profiles.push(((await ask('Profiler.stop')) as { profile: Profile }).profile)
      inspector.close()
      return sharesOf(profiles)
    },
  }
}

type Ask = (method: string, params?: object) => Promise<unknown>

/** Speaks the DevTools protocol, with the process and with its worker threads. */
async function connect(url: string) {
  const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: 1 << 30 })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const workers: string[] = []
  const waiting = new Map<string, PromiseWithResolvers<unknown>>()
  let asked = 0

  function settle(from: string, text: string): void {
    const { id, result, error, method, params } = JSON.parse(text)
    if (method === 'NodeWorker.attachedToWorker') workers.push(params.sessionId)
    else if (method === 'NodeWorker.receivedMessageFromWorker') settle(params.sessionId, params.message)
    const reply = waiting.get(`${from} ${id}`)
    waiting.delete(`${from} ${id}`)
    if (error) reply?.reject(new Error(error.message))
    else reply?.resolve(result)
  }
  socket.on('message', (data) => settle('', String(data)))

  function expect(from: string, send: (id: number) => void): Promise<unknown> {
    const reply = Promise.withResolvers<unknown>()
    waiting.set(`${from} ${++asked}`, reply)
    send(asked)
    return reply.promise
  }
  const ask: Ask = (method, params) => expect('', (id) => socket.send(JSON.stringify({ id, method, params })))
  const askWorker =
    (sessionId: string): Ask =>
    (method, params) =>
      expect(sessionId, (id) => {
        void ask('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id, method, params }) })
      })
  return { workers, ask, askWorker, close: () => socket.close() }
}

function sharesOf(profiles: readonly Profile[]): Shares {
  const parts = new Map<string, number>()
  const functions = new Map<string, number>()
  let busy = 0
  for (const { nodes, samples, timeDeltas } of profiles) {
    const byId = new Map(nodes.map((node) => [node.id, node]))
    const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id] as const)))
    const partOf = new Map<number, string>()
    const find = (id: number): string => {
      const known = partOf.get(id)
      if (known) return known
      for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
        const { functionName, url } = byId.get(at)!.callFrame
        const rule = PARTS.find(([, name, path]) => (name?.test(functionName) ?? true) && (path?.test(url) ?? true))
        // The outermost frame fits the loop itself, but only a sample that lies there belongs to it.
        if (rule && (at === id || parents.has(at))) {
          partOf.set(id, rule[0])
          return rule[0]
        }
      }
      partOf.set(id, 'other code of Node')
      return 'other code of Node'
    }
    for (const [index, id] of samples.entries()) {
      const { functionName, url, lineNumber } = byId.get(id)!.callFrame
      if (functionName === '(idle)') continue
      const micros = timeDeltas[index] ?? 0
      busy += micros
      add(parts, find(id), micros)
      const file = url.replace(/^.*\/(?=(?:[^/]+\/){2}[^/]+$)/, '')
      add(functions, `${functionName || '(anonymous)'} ${file && `${file}:${lineNumber + 1}`}`, micros)
    }
  }
  const shares = (sums: Map<string, number>): [string, number][] =>
    [...sums].sort((a, b) => b[1] - a[1]).map(([name, micros]) => [name, micros / busy])
  return { parts: shares(parts), functions: shares(functions) }
}

function add(sums: Map<string, number>, name: string, micros: number): void {
  sums.set(name, (sums.get(name) ?? 0) + micros)
}

/** As printed: the parts with what each costs per message, and the heaviest functions. */
export function describe({ parts, functions }: Shares, microsPerMessage: number): string {
  const line = ([name, share]: [string, number]): string =>
    `  ${(share * 100).toFixed(1).padStart(5)} %  ${(share * microsPerMessage).toFixed(2).padStart(6)} µs  ${name}`
  return [...parts.map(line), '', ...functions.slice(0, 40).map(line)].join('\n')
}
