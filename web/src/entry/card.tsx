import type { ReactNode } from 'react'
import { KeepsNothing } from '../keeps-nothing.tsx'
import { strings } from '../strings.ts'
import styles from './entry.module.css'

/** The page of who is not signed in, or came by a link in a mail: the name of the product, and one thing to do. */
export function EntryCard({ children }: { children: ReactNode }) {
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
        <KeepsNothing boxed />
        {children}
      </div>
    </main>
  )
}
