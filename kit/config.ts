import { readFileSync } from 'node:fs'

/** The environment, as `process.env` has it. Only a `main.ts` passes it in. */
export type Env = Record<string, string | undefined>

/** Everything that is wrong with the settings, in one error; `main.ts` prints the message and exits with 1. */
export class ConfigError extends Error {
  constructor(problems: string[]) {
    super(`The settings are not valid:\n${problems.map((p) => `  - ${p}`).join('\n')}`)
  }
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/**
 * Reads settings and remembers each problem; call `throwIfInvalid` last. Each `NAME` may also come from a file named by `NAME_FILE`.
 */
export function reader(env: Env) {
  const problems: string[] = []

  function optional(name: string): string | undefined {
    const direct = env[name]
    const file = env[`${name}_FILE`]
    if (direct && file) problems.push(`${name} and ${name}_FILE are both set: keep one`)
    if (direct) return direct
    if (!file) return undefined
    try {
      return readFileSync(file, 'utf8').trim()
    } catch (error) {
      problems.push(`${name}_FILE: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`)
      return undefined
    }
  }

  function required(name: string, why: string): string {
    const value = optional(name)
    if (!value) problems.push(`${name} is missing: ${why}`)
    return value ?? ''
  }

  function integer(name: string, fallback: number, min = 0, max = Number.MAX_SAFE_INTEGER): number {
    const value = optional(name)
    if (value === undefined) return fallback
    const number = Number(value)
    if (Number.isInteger(number) && number >= min && number <= max) return number
    problems.push(`${name} must be a whole number from ${min} to ${max}, not "${value}"`)
    return fallback
  }

  function url(name: string, value: string | undefined, protocols: string[]): string | undefined {
    if (!value) return undefined
    if (URL.canParse(value) && protocols.includes(new URL(value).protocol)) return value
    problems.push(`${name} must be a URL that begins with ${protocols.map((p) => `${p}//`).join(' or ')}`)
    return undefined
  }

  return {
    optional,
    required,
    integer,
    port: (name: string, fallback: number) => integer(name, fallback, 0, 65_535),
    text: (name: string, fallback: string) => optional(name) ?? fallback,
    /** How much is logged, as `openLog` takes it. */
    logLevel(name: string, fallback: string): string {
      const level = optional(name) ?? fallback
      if (!LOG_LEVELS.includes(level)) problems.push(`${name} must be one of ${LOG_LEVELS.join(', ')}, not "${level}"`)
      return LOG_LEVELS.includes(level) ? level : fallback
    },
    optionalUrl: (name: string, protocols: string[]) => url(name, optional(name), protocols),
    requiredUrl: (name: string, protocols: string[], why: string) => url(name, required(name, why), protocols) ?? '',
    /** A comma-separated list of web origins; `*` is refused. */
    origins(name: string): string[] {
      const list = (optional(name) ?? '')
        .split(',')
        .map((o) => o.trim())
        .filter(Boolean)
      for (const origin of list) {
        if (!URL.canParse(origin) || new URL(origin).origin !== origin)
          problems.push(`${name}: "${origin}" is not a web origin such as https://chat.example.org`)
      }
      return list
    },
    problem: (text: string) => void problems.push(text),
    throwIfInvalid(): void {
      if (problems.length > 0) throw new ConfigError([...new Set(problems)])
    },
  }
}

/** Overrides limits by `PARLEY_LIMIT_<NAME>`, where `textBytes` is `PARLEY_LIMIT_TEXT_BYTES`. */
export function readLimits<L extends Record<string, number>>(read: ReturnType<typeof reader>, defaults: L): L {
  const limits: Record<string, number> = {}
  for (const [name, value] of Object.entries(defaults)) {
    limits[name] = read.integer(`PARLEY_LIMIT_${name.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`, value, 1)
  }
  return limits as L
}
