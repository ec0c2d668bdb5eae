import { createServer } from 'node:http'
import { Server, type Socket } from 'socket.io'

/**
 * What Parley is measured against: stock Socket.IO relaying the same packets of the same events between the same clients, with
 * no storage, no authentication, no validation and no membership. `auth.token` is simply the user's name here.
 */
const http = createServer((_request, response) => response.end('ok'))
const io = new Server(http, { serveClient: false })
const users = new Map<string, Socket>()
const heads = new Map<string, number>()

interface Send {
  id: string
  conversationId: string
  receiverId?: string
  text: string
}

io.on('connection', (socket) => {
  const userId = String(socket.handshake.auth.token)
  users.set(userId, socket)
  socket.on('room.join', (room: string) => socket.join(room))
  socket.on('message.send', (message: Send, ack: (reply: unknown) => void) => {
    const seq = (heads.get(message.conversationId) ?? 0) + 1
    heads.set(message.conversationId, seq)
    const createdAt = new Date().toISOString()
    ack({ ok: true, data: { id: message.id, seq, rev: seq, createdAt, conversationId: message.conversationId } })
    const event = {
      ...message,
      receiverId: undefined,
      seq,
      rev: seq,
      kind: 'message',
      senderId: userId,
      sender: userId,
      createdAt,
      headSeq: seq,
      membersRev: 1,
    }
    if (message.receiverId) users.get(message.receiverId)?.emit('message.new', event)
    else socket.to(message.conversationId).emit('message.new', event)
  })
  socket.on('receipt.delivered', (mark: { conversationId: string; upToSeq: number; senderId: string }) => {
    const data = { conversationId: mark.conversationId, userId, deliveredSeq: mark.upToSeq, readSeq: 0 }
    users.get(mark.senderId)?.emit('receipt.updated', data)
  })
  socket.on('disconnect', () => users.delete(userId))
  socket.emit('hello', { userId })
})
http.listen(Number(process.env.PORT), '127.0.0.1')
