import type { DatabaseSync } from 'node:sqlite'
import { GONE_REV } from '../store.ts'
import { idBytes } from './bytes.ts'
import { write } from './statements.ts'

/** A step of a departure, as it is given to the writer. */
export type DepartureStep = { do: 'departure'; userId: string } & (
  | { step: 'begin'; messages: string; at: string }
  | { step: 'advance'; after: string }
  | { step: 'forget'; limit: number }
  | { step: 'finish' }
)

/** Writes departures, within a round's transaction. Gives how many rows were forgotten, of that step. */
export function departureSteps(db: DatabaseSync): (step: DepartureStep) => true | number {
  const begin = write(db, 'departure')
  const nameless = write(db, 'nameless')
  const advance = write(db, 'departureAfter')
  const forgetSettings = write(db, 'forgottenSettings')
  const forgetOwn = write(db, 'forgottenOwn')
  const finish = write(db, 'departureDone')
  return (command) => {
    const user = idBytes(command.userId)
    switch (command.step) {
      case 'begin':
        begin(user, command.messages, command.at)
        nameless(user, GONE_REV)
        return true
      case 'advance':
        advance(idBytes(command.after), user)
        return true
      case 'forget': {
        const count = forgetSettings(user, command.limit)
        return count < command.limit ? count + forgetOwn(user, command.limit - count) : count
      }
      case 'finish':
        finish(user)
        return true
      default:
        throw new Error(`unknown step ${(command satisfies never as DepartureStep).step}`)
    }
  }
}
