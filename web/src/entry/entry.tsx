import { Link, useRoute } from 'wouter'
import { strings } from '../strings.ts'
import styles from './entry.module.css'
import { LogIn } from './log-in.tsx'
import { Register } from './register.tsx'

/** What one sees while signed out: log in, or create an account. */
export function Entry({ ended }: { ended: string | undefined }) {
  const [registering] = useRoute('/register')
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <header className={styles.brand}>
          <img src="/favicon.svg" alt="" width={44} height={44} />
          <div>
            <h1>{strings.product}</h1>
            <p>{strings.entry.tagline}</p>
          </div>
        </header>
        {ended && (
          <p role="status" className={styles.ended}>
            {ended === 'revoked'
              ? strings.entry.endedElsewhere
              : ended === 'password'
                ? strings.entry.endedByPassword
                : strings.entry.ended}
          </p>
        )}
        {registering ? <Register /> : <LogIn />}
        <p className={styles.other}>
          {registering ? strings.entry.toLogin : strings.entry.toRegister}{' '}
          <Link href={registering ? '/' : '/register'}>
            {registering ? strings.entry.login : strings.entry.register}
          </Link>
        </p>
      </div>
    </main>
  )
}
