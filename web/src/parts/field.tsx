import { type ComponentProps, type ReactNode, useId } from 'react'
import styles from './field.module.css'

/** A labelled line of input, with a hint under it, and in its place what is wrong. */
export function Field({
  label,
  hint,
  error,
  children,
  ...rest
}: ComponentProps<'input'> & {
  label: string
  hint?: string | undefined
  error?: string | undefined
  children?: ReactNode
}) {
  const id = useId()
  const note = error ?? hint
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      <div className={styles.line}>
        <input
          {...rest}
          id={id}
          aria-invalid={error ? true : undefined}
          aria-describedby={note ? `${id}-note` : undefined}
        />
        {children}
      </div>
      {note && (
        <p id={`${id}-note`} className={error ? styles.error : styles.hint}>
          {note}
        </p>
      )}
    </div>
  )
}
