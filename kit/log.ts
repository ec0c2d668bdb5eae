import { pino } from 'pino'

/** Structured lines on standard output. Never pass texts, tokens, passwords or whole requests. */
export type Log = {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** A logger that names its service; `level` as pino has it (`silent` says nothing). */
export function openLog(service: string, level: string): Log {
  return pino({ level, base: { service }, redact: ['*.password', '*.token', '*.text', '*.authorization', '*.cookie'] })
}
