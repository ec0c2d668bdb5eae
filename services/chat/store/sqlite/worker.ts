import { parentPort, workerData } from 'node:worker_threads'
import type { Ready, Round, WriterOptions } from './round.ts'
import { openWriter, type Writer } from './writer.ts'

/** The writer's thread: a commit blocks for as long as the disk takes, which the main thread cannot afford. */
const port = parentPort
if (!port) throw new Error('runs as a worker thread only')

const writer = open(workerData)
if (writer) {
  say({ ready: true, epoch: writer.epoch })
  port.on('message', (round: Round | 'close') => {
    if (round === 'close') {
      writer.close()
      port.close()
      return
    }
    port.postMessage(writer.run(round))
    writer.tidy()
  })
}

function open(options: WriterOptions): Writer | undefined {
  try {
    return openWriter(options)
  } catch (error) {
    say({ ready: false, reason: error instanceof Error ? error.message : String(error) })
    return undefined
  }
}

function say(ready: Ready): void {
  port?.postMessage(ready)
}
