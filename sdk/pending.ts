import { v7 as newId } from 'uuid'
import type { Keeper } from './keeper.ts'
import type { DeviceStorage } from './types.ts'

/**
 * What one changed and the server has not been told: a row for each thing and tab, so that tabs which share a storage write over nothing of
 * each other. What another tab has left is taken over, as long as that one has not told it or thought better of it meanwhile.
 */
export interface Pending<T> {
  /** What is kept by name, of whichever tab, the latest of each. Also later, for what tabs that are gone have left: then just what is new. */
  load(): Promise<Map<string, T>>
  /** Keeps these of this tab, in the place of what was taken over under the name; undefined: it is told, or let go. */
  put(changes: readonly (readonly [name: string, value: T | undefined])[]): void
  /** Those of these names that were taken over, and are not as they were: whoever had them has seen to them. They are forgotten. */
  outdated(names: readonly string[]): Promise<string[]>
}

interface Row<T> {
  /** By this device's clock, of which tabs have one. */
  at: number
  value: T
}

/** Names have no blank. `former` says what an earlier release kept under one key of the prefix; that is written anew. */
export function openPending<T>(
  { storage, keeper }: { storage: DeviceStorage; keeper: Pick<Keeper, 'save'> },
  prefix: string,
  former: (rest: string, value: unknown) => readonly (readonly [name: string, value: T])[],
): Pending<T> {
  const tab = newId()
  const keyOf = (name: string): string => `${prefix}${name} ${tab}`
  /** When what this tab keeps was changed. */
  const own = new Map<string, number>()
  /** What counts of what others have left. */
  const taken = new Map<string, { key: string; row: Row<T> }>()
  /** Rows of others that something later has overtaken. */
  const overtaken = new Map<string, Set<string>>()

  function overtake(name: string, key: string | undefined): void {
    if (key !== undefined) overtaken.set(name, (overtaken.get(name) ?? new Set()).add(key))
  }

  function put(changes: readonly (readonly [string, T | undefined])[]): void {
    const rows: [string, unknown][] = []
    for (const [name, value] of changes) {
      overtake(name, taken.get(name)?.key)
      for (const key of overtaken.get(name) ?? []) rows.push([key, undefined])
      taken.delete(name)
      overtaken.delete(name)
      if (value === undefined) {
        if (own.delete(name)) rows.push([keyOf(name), undefined])
        continue
      }
      const at = Date.now()
      own.set(name, at)
      rows.push([keyOf(name), { at, value } satisfies Row<T>])
    }
    if (rows.length > 0) void keeper.save(rows)
  }

  /** Of a row of another tab: whether it is the latest of its name. */
  function takes(name: string, key: string, row: Row<T>): boolean {
    const before = taken.get(name)
    if (before?.key === key || overtaken.get(name)?.has(key)) return false
    if (row.at < Math.max(own.get(name) ?? 0, before?.row.at ?? 0)) {
      overtake(name, key)
      return false
    }
    overtake(name, before?.key)
    taken.set(name, { key, row })
    return true
  }

  return {
    async load() {
      const found = new Map<string, T>()
      const before: [string, unknown][] = []
      for (const [key, kept] of await storage.list(prefix)) {
        const [name, by] = key.slice(prefix.length).split(' ') as [string, string?]
        if (by === undefined) {
          before.push([key, undefined])
          for (const [each, value] of former(name, kept)) {
            own.set(each, 0)
            found.set(each, value)
            before.push([keyOf(each), { at: 0, value } satisfies Row<T>])
          }
        } else if (by !== tab && takes(name, key, kept as Row<T>)) found.set(name, (kept as Row<T>).value)
      }
      if (before.length > 0) void keeper.save(before)
      return found
    },
    put,
    async outdated(names) {
      const gone: string[] = []
      for (const name of names) {
        const one = taken.get(name)
        if (!one || JSON.stringify(await storage.get(one.key)) === JSON.stringify(one.row)) continue
        if (taken.get(name) !== one) continue
        taken.delete(name)
        gone.push(name)
      }
      return gone
    },
  }
}
