import { WebSocket } from 'ws'

/** Where a server's CPU went, in shares of the time that its threads were busy. */
export type Shares = {
  part: string
  share: number
  /** Where in the part the time itself was spent. */
  functions: [name: string, share: number][]
}[]

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
  ['event loop and native code of Node', /^\(program\)$/, undefined],
  ['store', undefined, /services\/chat\/store\//],
  ['WebSocket', undefined, /node_modules\/ws\//],
  ['Engine.IO and Socket.IO', undefined, /node_modules\/(engine\.io|socket\.io)/],
  ['validation', undefined, /node_modules\/zod|\/protocol\//],
  ['frames in and out', undefined, /services\/chat\/(socket|handshake|packet|wire|writer)[^/]*\.ts/],
  ['fan-out', undefined, /services\/chat\/(fanout|audience|delivery|lanes|connections|people)[^/]*\.ts/],
  ['relay and bus', undefined, /services\/chat\/relay\.ts|kit\/bus\//],
  ['telling people', undefined, /services\/notification\//],
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

/** Largest first. */
function sharesOf(profiles: readonly Profile[]): Shares {
  const parts = new Map<string, Map<string, number>>()
  let busy = 0
  for (const profile of profiles) {
    const frames = new Map(profile.nodes.map((node) => [node.id, node.callFrame]))
    const partOf = partsOf(profile, frames)
    for (const [index, id] of profile.samples.entries()) {
      const { functionName, url, lineNumber } = frames.get(id)!
      if (functionName === '(idle)') continue
      const micros = profile.timeDeltas[index] ?? 0
      busy += micros
      const part = partOf(id)
      const functions = parts.get(part) ?? new Map<string, number>()
      parts.set(part, functions)
      const place = url && ` ${url.replace(/^.*\/(?=(?:[^/]+\/){2}[^/]+$)/, '')}:${lineNumber + 1}`
      const name = `${functionName || '(anonymous)'}${place}`
      functions.set(name, (functions.get(name) ?? 0) + micros)
    }
  }
  return [...parts]
    .map(([part, functions]) => ({
      part,
      share: [...functions.values()].reduce((sum, micros) => sum + micros, 0) / busy,
      functions: [...functions]
        .sort((a, b) => b[1] - a[1])
        .map(([name, micros]): [string, number] => [name, micros / busy]),
    }))
    .sort((a, b) => b.share - a.share)
}

/** The part that each node of the call tree belongs to. */
function partsOf({ nodes }: Profile, frames: Map<number, Profile['nodes'][number]['callFrame']>) {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)))
  const known = new Map<number, string>()
  const partOf = (id: number): string => {
    const part = known.get(id) ?? find(id)
    known.set(id, part)
    return part
  }
  function find(id: number): string {
    const { functionName, url } = frames.get(id)!
    const rule = PARTS.find(([, name, path]) => (name?.test(functionName) ?? true) && (path?.test(url) ?? true))
    if (rule) return rule[0]
    const parent = parents.get(id)
    return parent === undefined ? 'other code of Node' : partOf(parent)
  }
  return partOf
}

const FUNCTIONS_SHOWN = 12
const LEAST_SHOWN = 0.002

/** As printed: the parts, with what each costs per message, and the heaviest functions of each. */
export function describe(shares: Shares, microsPerMessage: number): string {
  const figures = (share: number): string =>
    `${(share * 100).toFixed(1).padStart(5)} %  ${(share * microsPerMessage).toFixed(2).padStart(6)} µs`
  return shares
    .flatMap(({ part, share, functions }) => [
      `${figures(share)}  ${part}`,
      ...functions
        .slice(0, FUNCTIONS_SHOWN)
        .filter(([, share]) => share >= LEAST_SHOWN)
        .map(([name, share]) => `${figures(share)}      ${name}`),
    ])
    .join('\n')
}
