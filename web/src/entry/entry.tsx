import { Link, useRoute } from 'wouter'
import { strings } from '../strings.ts'
import { EntryCard } from './card.tsx'
import styles from './entry.module.css'
import { Forgot } from './forgot.tsx'
import { LogIn } from './log-in.tsx'
import { Register } from './register.tsx'

/** What one sees while signed out: log in, create an account, or say that one forgot the password. */
export function Entry({ ended }: { ended: string | undefined }) {
  // An invite stays in the address until one is signed in and sees it.
  const [, invite] = useRoute('/join/:code/:register?')
  const [atRegister] = useRoute('/register')
  const registering = atRegister || invite?.register === 'register'
  const here = invite ? `/join/${invite.code}` : ''
  const [forgot] = useRoute('/password/forgot')
  return (
    <EntryCard>
      {ended && !forgot && (
        <p role="status" className={styles.ended}>
          {ended === 'revoked'
            ? strings.entry.endedElsewhere
            : ended === 'password'
              ? strings.entry.endedByPassword
              : ended === 'deleted'
                ? strings.entry.endedByDeletion
                : strings.entry.ended}
        </p>
      )}
      {invite && <p className={styles.ended}>{strings.join.invited}</p>}
      {registering ? <Register /> : forgot ? <Forgot /> : <LogIn />}
      <p className={styles.other}>
        {registering || forgot ? strings.entry.toLogin : strings.entry.toRegister}{' '}
        <Link href={registering || forgot ? here || '/' : `${here}/register`}>
          {registering || forgot ? strings.entry.login : strings.entry.register}
        </Link>
      </p>
    </EntryCard>
  )
}
