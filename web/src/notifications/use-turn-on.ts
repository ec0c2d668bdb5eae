import { PushRefused } from '@parley/sdk/push'
import { useApp } from '../app-context.tsx'
import { strings } from '../strings.ts'
import { type Action, useAction } from '../use-action.ts'
import { useNotices } from './context.ts'

/** Turns notifications on in this browser after a press: lets the browser ask, then registers. What went wrong is said in words. */
export function useTurnOn(done: () => void = () => undefined): Action & { turnOn: () => void } {
  const { client } = useApp()
  const { permission } = useNotices()
  const action = useAction()
  const turnOn = () =>
    action.run(async () => {
      if ((await permission.ask()) !== 'granted') return action.say(strings.notifications.notAllowed)
      try {
        await client.notifications.turnOn()
        done()
      } catch (error) {
        if (!(error instanceof PushRefused)) throw error
        action.say(refusal(error))
      }
    })
  return { ...action, turnOn }
}

function refusal({ reason }: PushRefused): string {
  switch (reason) {
    case 'NotAllowedError':
      return strings.notifications.notAllowed
    case 'AbortError':
    case 'NetworkError':
    case 'TimeoutError':
      return strings.notifications.unreachable
    default:
      return strings.notifications.refused(reason)
  }
}
