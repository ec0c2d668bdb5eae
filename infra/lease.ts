import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { tryLock } from './lock.ts'
import { type Answer, type Facts, keeperLock, keeperSocket, type Question } from './question.ts'
import { settings } from './settings.ts'
import { until } from './until.ts'

/** A connection to the keeper. The servers run at least as long as it is open, which is until this process ends or closes it. */
export interface Lease {
  /** Rejects with the keeper's words, such as what is missing. */
  ask(question: Question): Promise<Facts>
  /** Resolves when the keeper has hung up: everything is stopped then. Waiting for it keeps this process alive. */
  ended(): Promise<void>
  close(): void
}

/** This process's lease: connects to the keeper, starting one if there is none. Taken anew after it has ended. */
export function takeLease(): Promise<Lease> {
  if (taken) return taken
  const mine = connectOrStart().then((socket) => {
    socket.once('close', forget)
    return leaseOn(socket)
  })
  const forget = () => {
    if (taken === mine) taken = undefined
  }
  mine.catch(forget)
  taken = mine
  return mine
}

let taken: Promise<Lease> | undefined

function connectOrStart(): Promise<Socket> {
  let nextSpawn = 0
  return until('the keeper of the test servers', 30_000, async () => {
    const connected = await connectKeeper()
    if (connected) return connected
    // Again after a while: the first may have met one that was just ending.
    if (performance.now() >= nextSpawn) {
      spawnKeeper()
      nextSpawn = performance.now() + 1_000
    }
    return undefined
  })
}

/** Connects to the keeper if one is there. */
export async function findLease(): Promise<Lease | undefined> {
  const socket = await connectKeeper()
  return socket && leaseOn(socket)
}

/** Ends a lease. If it was the last, the servers stop at once, and this waits for that. */
export async function leave(lease: Lease): Promise<void> {
  await lease.ask('leave').catch(() => {}) // the keeper may have been stopped by hand
  lease.close()
  await until('the servers to stop', 30_000, () => {
    using free = tryLock(keeperLock(settings.folder))
    return free !== undefined
  }).catch(() => console.log('The test servers stay, since another process uses them'))
}

function leaseOn(socket: Socket): Lease {
  const waiting = new Map<number, (answer: Answer) => void>()
  let lastId = 0
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  void ended.then(() => {
    for (const resolve of waiting.values()) resolve({ error: 'The keeper of the test servers has ended' })
  })
  // A lease keeps the servers alive, not the process that holds it.
  socket.unref()
  createInterface({ input: socket }).on('line', (line) => {
    const { id, answer } = JSON.parse(line)
    waiting.get(id)?.(answer)
  })
  return {
    ended() {
      socket.ref()
      return ended
    },
    async ask(question) {
      const id = ++lastId
      socket.ref()
      const answer = await new Promise<Answer>((resolve) => {
        waiting.set(id, resolve)
        socket.write(`${JSON.stringify({ id, question })}\n`)
      })
      waiting.delete(id)
      if (waiting.size === 0) socket.unref()
      if ('error' in answer) throw new Error(answer.error)
      return answer
    },
    close: () => socket.destroy(),
  }
}

function connectKeeper(): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(keeperSocket(settings.folder), () => {
      socket.on('error', () => {})
      resolve(socket)
    })
    socket.once('error', () => resolve(undefined))
  })
}

function spawnKeeper(): void {
  mkdirSync(settings.folder, { recursive: true })
  const log = openSync(join(settings.folder, 'keeper.log'), 'a')
  spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'keep'], {
    detached: true,
    stdio: ['ignore', log, log],
  }).unref()
  closeSync(log)
}
