import { documentdb } from './documentdb/documentdb.ts'
import { dockerRuns, mongod, mongodInDocker } from './mongod.ts'
import type { Server } from './server.ts'
import { find } from './which.ts'

/**
 * The best server for MongoDB's protocol that this machine offers: `mongod` on PATH, a running Docker engine, else DocumentDB made of Debian's packages.
 * Not started yet, its data in `folder`. Rejects with what is missing.
 */
export async function mongodb(folder: string, say: (line: string) => void): Promise<Server> {
  const file = find('mongod')
  if (file) return mongod(file, folder)
  const docker = find('docker')
  if (docker && dockerRuns(docker)) return mongodInDocker(docker, folder)
  return documentdb(folder, say)
}
