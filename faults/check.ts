import { alertChecks } from './check/alerts.ts'
import { blockChecks } from './check/blocks.ts'
import { changeChecks } from './check/changes.ts'
import { contactChecks } from './check/contacts.ts'
import { deviceChecks } from './check/devices.ts'
import { digestChecks } from './check/digests.ts'
import { logChecks } from './check/log.ts'
import { mailChecks } from './check/mail.ts'
import { membershipChecks } from './check/membership.ts'
import { orderChecks } from './check/order.ts'
import { pushChecks } from './check/push.ts'
import { receiptChecks } from './check/receipts.ts'
import { withoutOutside } from './check/senders.ts'
import { serviceChecks } from './check/service.ts'
import type { Anomaly, History } from './history.ts'

/** Everything that a history shows to be broken; empty means that each invariant held on all that was seen. Pure; O(n log n). */
export function check(history: History): Anomaly[] {
  const among = { ...history, events: withoutOutside(history.events) }
  return [
    ...[
      ...[logChecks, orderChecks, deviceChecks, receiptChecks, membershipChecks],
      ...[changeChecks, contactChecks, blockChecks, alertChecks, serviceChecks],
    ].flatMap((part) => part(among)),
    ...[mailChecks, digestChecks, pushChecks].flatMap((part) => part(history)),
  ]
}
