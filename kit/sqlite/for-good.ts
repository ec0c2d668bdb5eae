/** SQL that is wrong, a value too large, a broken constraint, a wrong type, a misuse, a parameter that is none (https://sqlite.org/rescode.html). */
const [ERROR, TOOBIG, CONSTRAINT, MISMATCH, MISUSE, RANGE] = [1, 18, 19, 20, 21, 25]
const FOR_GOOD: ReadonlySet<number> = new Set([ERROR, TOOBIG, CONSTRAINT, MISMATCH, MISUSE, RANGE])

/**
 * Would the same write fail again, however often it is tried? So does what its values or our code cause, and so do errors that are not
 * SQLite's. A lock passes, a full disk and a broken one are mended, and a damaged file is restored: what they refuse may come again.
 */
export function isForGood(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) : undefined
  return code === undefined || FOR_GOOD.has(code & 0xff)
}
