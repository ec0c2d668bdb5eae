import { BSON, type Document } from 'bson'

/** One request of a MongoDB client: OP_MSG, or OP_QUERY, in which drivers still say their first hello. */
export interface Request {
  id: number
  doc: Document
  legacy: boolean
  /** The client wants no reply. */
  silent: boolean
}

const OP_REPLY = 1
const OP_QUERY = 2004
const OP_MSG = 2013
const CHECKSUM_PRESENT = 1
const MORE_TO_COME = 2

/** Splits what a connection receives into whole frames; the rest waits for the next chunk. */
export function framer(): (chunk: Buffer) => Buffer[] {
  let pending: Buffer = Buffer.alloc(0)
  return (chunk) => {
    pending = pending.length > 0 ? Buffer.concat([pending, chunk]) : chunk
    const frames: Buffer[] = []
    while (pending.length >= 4 && pending.length >= pending.readInt32LE(0)) {
      frames.push(pending.subarray(0, pending.readInt32LE(0)))
      pending = pending.subarray(pending.readInt32LE(0))
    }
    return frames
  }
}

/** Reads one frame; throws on an opcode that is not spoken here. */
export function readRequest(frame: Buffer): Request {
  const id = frame.readInt32LE(4)
  const opcode = frame.readInt32LE(12)
  if (opcode === OP_QUERY) {
    const endOfName = frame.indexOf(0, 20)
    const doc = BSON.deserialize(frame.subarray(endOfName + 9), { promoteValues: false })
    return { id, doc, legacy: true, silent: false }
  }
  if (opcode !== OP_MSG) throw new Error(`opcode ${opcode} is not spoken here`)
  const flags = frame.readUInt32LE(16)
  const end = flags & CHECKSUM_PRESENT ? frame.length - 4 : frame.length
  return { id, doc: readSections(frame.subarray(20, end)), legacy: false, silent: (flags & MORE_TO_COME) !== 0 }
}

/** A body and any number of document sequences, which become arrays in it. */
function readSections(bytes: Buffer): Document {
  let doc: Document = {}
  const sequences: [name: string, docs: Document[]][] = []
  for (let at = 0; at < bytes.length; ) {
    const kind = bytes[at++]
    const size = bytes.readInt32LE(at)
    if (kind === 0) doc = readDocument(bytes.subarray(at, at + size))
    else sequences.push(readSequence(bytes.subarray(at, at + size)))
    at += size
  }
  return Object.assign(doc, Object.fromEntries(sequences))
}

function readSequence(bytes: Buffer): [name: string, docs: Document[]] {
  const endOfName = bytes.indexOf(0, 4)
  const docs: Document[] = []
  for (let at = endOfName + 1; at < bytes.length; at += bytes.readInt32LE(at)) {
    docs.push(readDocument(bytes.subarray(at, at + bytes.readInt32LE(at))))
  }
  return [bytes.toString('utf8', 4, endOfName), docs]
}

/** Types are kept as they came (an int stays an int), since the document is passed on. */
const readDocument = (bytes: Buffer): Document => BSON.deserialize(bytes, { promoteValues: false, bsonRegExp: true })

/** The reply's frame. */
export function writeReply(request: Request, reply: Document): Buffer {
  const body = Buffer.from(BSON.serialize(reply))
  const head = Buffer.alloc(request.legacy ? 36 : 21)
  head.writeInt32LE(head.length + body.length, 0)
  head.writeInt32LE(request.id, 8)
  head.writeInt32LE(request.legacy ? OP_REPLY : OP_MSG, 12)
  if (request.legacy) head.writeInt32LE(1, 32) // documents in the reply
  return Buffer.concat([head, body])
}
