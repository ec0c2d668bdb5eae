// MongoDB's wire protocol (OP_MSG) in front of PostgreSQL with the DocumentDB extension: each command's BSON goes as it is to documentdb_api, each answer's
// BSON comes back as it is. The storage engine, indexes, operators and errors are DocumentDB's; only framing and cursors are here. For tests.
// Not here: authentication, TLS, compression, multi-document transactions, change streams.
//   node main.ts --port 27017 --postgres postgres://postgres@127.0.0.1:5432/postgres
import { createServer } from 'node:net'
import { parseArgs } from 'node:util'
import { answers } from './commands.ts'
import { connectDocumentDB } from './documentdb.ts'
import { framer, readRequest, writeReply } from './wire.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '27017' },
    postgres: { type: 'string', default: '' },
    connections: { type: 'string', default: '24' },
  },
})
const answer = answers(connectDocumentDB(values.postgres, Number(values.connections)))

createServer((socket) => {
  const split = framer()
  let last = Promise.resolve()
  socket.setNoDelay(true)
  socket.on('error', () => {}) // a client that dies is no concern of the others
  socket.on('data', (chunk: Buffer) => {
    for (const frame of split(chunk)) last = last.then(() => reply(frame)).catch((error) => void socket.destroy(error))
  })

  async function reply(frame: Buffer): Promise<void> {
    const request = readRequest(frame)
    const document = await answer(request.doc)
    if (!request.silent) socket.write(writeReply(request, document))
  }
}).listen(Number(values.port), '127.0.0.1')
