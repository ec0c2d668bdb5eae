// Reads process ids, one a line. When its input ends, which is when whoever started it has ended, it kills those that still run, with their descendants.
import { createInterface } from 'node:readline'
import { isAlive, killTree, startTime } from './process.ts'

const tethered = new Map<number, string | undefined>()
for await (const line of createInterface({ input: process.stdin })) tethered.set(Number(line), startTime(Number(line)))

await Promise.allSettled(
  [...tethered].filter(([pid, since]) => isAlive(pid) && startTime(pid) === since).map(([pid]) => killTree(pid)),
)
