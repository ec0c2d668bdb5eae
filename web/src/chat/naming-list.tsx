import { ALL } from '@parley/protocol/mentions'
import type { ConversationView } from '@parley/sdk/types'
import { type KeyboardEvent, useId, useState } from 'react'
import { useMe, useNames as useShownNames } from '../app-context.tsx'
import { candidates, namingAt } from '../state/naming.ts'
import { strings } from '../strings.ts'
import styles from './naming-list.module.css'
import { useNames } from './use-names.ts'

type NamingState = ReturnType<typeof useNaming>

/** Offers the members whose names begin as what one writes after an `@`. `replace` gives the text with the name in it, and where one goes on. */
export function useNaming(
  conversation: ConversationView,
  text: string,
  replace: (text: string, caret: number) => void,
) {
  const me = useMe()
  const shownAs = useShownNames()
  const listId = useId()
  const [caret, setCaret] = useState<number>()
  const [at, setAt] = useState(0)
  const begun = caret === undefined ? undefined : namingAt(text, caret)
  const members = useNames(conversation, begun !== undefined)
  const offered = begun ? candidates(begun, members, conversation, me.id, shownAs) : []
  const chosen = Math.min(at, offered.length - 1)
  const open = offered.length > 0
  const close = () => setCaret(undefined)
  const choose = (name: string) => {
    if (!begun || caret === undefined) return
    const before = `${text.slice(0, begun.from)}@${name} `
    close()
    replace(before + text.slice(caret).replace(/^ /, ''), before.length)
  }
  return {
    listId,
    offered,
    chosen,
    choose,
    close,
    optionId: (n: number) => `${listId}-${n}`,
    /** Where one writes now. */
    typed(box: HTMLTextAreaElement | null) {
      setCaret(box && box.selectionStart === box.selectionEnd ? box.selectionStart : undefined)
      setAt(0)
    },
    /** True when the key was for the list. */
    pressed(event: KeyboardEvent): boolean {
      if (!open) return false
      const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
      if (step !== 0) setAt((chosen + step + offered.length) % offered.length)
      else if (event.key === 'Enter' || event.key === 'Tab') choose(offered[chosen]!.name)
      else if (event.key === 'Escape') close()
      else return false
      event.preventDefault()
      return true
    },
    field: {
      'aria-autocomplete': 'list' as const,
      ...(open && { 'aria-controls': listId, 'aria-activedescendant': `${listId}-${chosen}` }),
    },
  }
}

/** The names that are offered, above where one writes. */
export function NamingList({ naming }: { naming: NamingState }) {
  const { listId, offered, chosen, choose, optionId } = naming
  const words = strings.composer
  return (
    <div className={styles.place}>
      <p className="visually-hidden" role="status">
        {offered.length > 0 && words.namesFound(offered.length)}
      </p>
      {offered.length > 0 && (
        <div className={styles.list} role="listbox" id={listId} aria-label={words.names}>
          {offered.map(({ name, displayName }, n) => (
            // biome-ignore lint/a11y/useFocusableInteractive: the focus stays where one writes; `aria-activedescendant` leads here.
            // biome-ignore lint/a11y/useKeyWithClickEvents: keys go to where one writes.
            <div
              key={name}
              role="option"
              id={optionId(n)}
              aria-selected={n === chosen}
              className={styles.name}
              // The focus must not leave where one writes.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => choose(name)}
            >
              <bdi>@{name}</bdi>
              {displayName !== undefined && <bdi className={styles.shown}>{displayName}</bdi>}
              {name === ALL && <span className={styles.shown}>{words.everybody}</span>}
            </div>
          ))}
        </div>
      )}
    </div>
  )
}
