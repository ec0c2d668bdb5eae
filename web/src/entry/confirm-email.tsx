import { useState } from 'react'
import { Link } from 'wouter'
import { useApp } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Problem } from '../parts/notice.tsx'
import { explain, isOver } from '../state/problems.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import { EntryCard } from './card.tsx'
import styles from './entry.module.css'

/** Makes an address that of the account, by the link that was mailed there. By a press and not by itself: programs that check mail open links, too. */
export function ConfirmEmail() {
  const { client } = useApp()
  const [token] = useState(() => location.hash.slice(1))
  const [state, setState] = useState<'asking' | 'done' | 'over'>(token ? 'asking' : 'over')
  const action = useAction()
  const confirm = () =>
    action.run(
      async () => {
        await client.confirmEmail(token)
        setState('done')
      },
      (error) => {
        if (!isOver(error)) return explain(error)
        setState('over')
        return undefined
      },
    )
  return (
    <EntryCard>
      {state === 'asking' && (
        <div className={styles.form}>
          <p>{strings.mailed.confirmIntro}</p>
          {action.error && <Problem>{action.error}</Problem>}
          <Button look="main" busy={action.busy} onClick={confirm}>
            {strings.mailed.confirm}
          </Button>
        </div>
      )}
      {state === 'done' && <p role="status">{strings.mailed.confirmed}</p>}
      {state === 'over' && <Problem>{strings.mailed.over}</Problem>}
      <p className={styles.other}>
        <Link href="/">{strings.mailed.toParley}</Link>
      </p>
    </EntryCard>
  )
}
