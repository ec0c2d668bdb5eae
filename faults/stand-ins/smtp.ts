import { mailServer, type Received } from '@parley/infra/mail-server'
import { NOBODY_THERE, textsIn } from '../digests.ts'
import { openNotes } from './notes.ts'

/** At the greeting, the recipient, the letter. */
const BUSY = 0.05
const SLOW = 0.1
const SILENT = 0.05
const HANGING = 0.01
const REFUSING = 0.05

/** A mail server that notes what it has taken, and now and then is busy or slow, refuses, or takes a letter and never says so. */
const notes = openNotes<never>(() => {})
const { dice } = notes
const chance = (probability: number): boolean => notes.breaks() && dice.chance(probability)
const under = new WeakMap<Received, string>()

await mailServer(
  { after: () => {} },
  {
    connection: () => (chance(HANGING) ? 'hang' : chance(BUSY) ? '421 4.3.2 too many connections' : undefined),
    recipient(address) {
      if (address !== NOBODY_THERE) return chance(BUSY) ? '450 4.7.1 greylisted' : undefined
      notes.note({ type: 'bounced', to: address })
      return '550 5.1.1 nobody there'
    },
    letter(mail) {
      if (chance(BUSY)) return '451 4.3.0 busy'
      const { messageId: id, parsed } = mail
      // Somebody has logged in: nobody asked for that.
      if (id.startsWith('<security-')) return undefined
      const isDigest = id.startsWith('<digest-')
      const refused = isDigest && chance(REFUSING)
      const answered = refused || !chance(SILENT)
      const known = { to: mail.to.join(), id, writtenAt: parsed.date?.getTime() ?? 0, answered }
      const n = notes.note(
        isDigest
          ? { type: 'digested', ...known, texts: textsIn(parsed), ...(refused && { refused }) }
          : { type: 'mailed', ...known },
      )
      if (answered) under.set(mail, n)
      return refused ? '554 5.7.1 this looks like spam' : answered ? undefined : 'hang'
    },
    waitMs: () => (chance(SLOW) ? dice.below(1_500) : 0),
    answered: (mail) => notes.answered(under.get(mail)),
  },
  notes.port,
)
