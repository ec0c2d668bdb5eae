import { once } from 'node:events'

/**
 * Resolves when this process is told to stop. To be called before it says that it is ready, so that from then on it ends cleanly whenever it is
 * told; while it starts, it may be stuck, and a signal ends it at once.
 */
export const toldToStop = (): Promise<unknown> => Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
