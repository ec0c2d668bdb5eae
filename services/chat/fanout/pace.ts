/** Tells of each subject at most once in a while. */
export interface Pace extends Disposable {
  /** There is news of that subject: told at once when nothing was told of it for a window, else when its window ends. */
  news(id: string): void
}

/**
 * `tell` says what there is of a subject and gives whether there may be more: then its next window follows. What a subject has
 * to tell is its owner's to keep; here is kept one timer for each subject that was told of within the last window.
 */
export function openPace(windowMs: number, tell: (id: string) => boolean): Pace {
  const windows = new Map<string, NodeJS.Timeout>()

  function turn(id: string): void {
    if (tell(id)) windows.set(id, setTimeout(turn, windowMs, id).unref())
    else windows.delete(id)
  }

  return {
    news(id) {
      if (!windows.has(id)) turn(id)
    },
    [Symbol.dispose]() {
      for (const timer of windows.values()) clearTimeout(timer)
      windows.clear()
    },
  }
}
