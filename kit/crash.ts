/**
 * Crash points for the fault harness: `PARLEY_CRASH_AT=name` or `name:3` kills this process with SIGKILL when it passes
 * the point for the first (third) time. Without the variable a point costs one comparison.
 */
const [armed, nth] = (process.env.PARLEY_CRASH_AT ?? '').split(':')
let left = Number(nth ?? 1)

/** Dies here if armed. Workers share the process, so a point in a worker kills the whole service, as a power cut would. */
export function crashPoint(name: CrashPoint): void {
  if (armed === name && --left <= 0) process.kill(process.pid, 'SIGKILL')
}

/** The places between any two lines that matter. */
export const CRASH_POINTS = [
  'append.before-begin',
  'append.after-begin',
  'append.before-commit',
  'append.after-commit',
  'send.before-ack',
  'send.after-ack',
  'fanout.after',
  'relay.before-publish',
  'relay.before-confirm',
  'relay.before-mark',
  'relay.after-mark',
  'consumer.before-commit',
  'consumer.before-ack',
  'marks.before-commit',
  'inbox.before-raise',
  'refresh.before-commit',
  'refresh.after-commit',
  'register.after-commit',
  'revoke.before-log',
  'password.before-sessions',
  'mail.after-commit',
  'reset.after-commit',
  'email.after-commit',
  'delete.before-log',
  'delete.after-commit',
  'delete.before-told',
  'departure.middle',
  'migration.middle',
  'search.before-commit',
  'sweep.before-commit',
  'delivery.before-plan',
  'delivery.after-plan',
  'delivery.before-send',
  'delivery.after-send',
  'delivery.after-settle',
  'notices.before-note',
  'notices.after-note',
  'notices.before-decide',
  'notices.after-decide',
  'alerts.before-store',
  'alerts.after-store',
  'alerts.after-told',
  'analytics.before-note',
  'analytics.after-note',
  'audit.before-note',
  'audit.after-note',
  'digest.after-note',
  'digest.before-settle',
  'digest.after-settle',
  'stand-in.before-note',
  'stand-in.after-note',
] as const
export type CrashPoint = (typeof CRASH_POINTS)[number]
