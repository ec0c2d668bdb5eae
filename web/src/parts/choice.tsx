import { useId } from 'react'
import styles from './choice.module.css'

/** One of several, by its place among `options`. */
export function Choice({
  label,
  options,
  value,
  onChange,
}: {
  label: string
  options: readonly string[]
  value: number
  onChange: (value: number) => void
}) {
  const id = useId()
  return (
    <div className={styles.choice}>
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(Number(event.target.value))}>
        {options.map((option, place) => (
          <option key={option} value={place}>
            {option}
          </option>
        ))}
      </select>
    </div>
  )
}
