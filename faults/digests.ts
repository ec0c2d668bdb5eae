import type { ParsedMail } from 'mailparser'
import type { Person } from './actors.ts'
import { DIGEST_EVERY_MS } from './check/digests.ts'

/** Mail about what is unread, in a hurry. */
export const DIGEST_SETTINGS = { DIGEST_AFTER_MS: '3000', DIGEST_EVERY_MS: String(DIGEST_EVERY_MS) }

/** Of the people one has turned such mail off, and one has an address at which nobody is. */
export const NO_DIGESTS = 'dee@example.org'
export const NOBODY_THERE = 'cyd@example.org'

export async function chooseDigests(people: readonly Person[]): Promise<void> {
  for (const { email, rest } of people)
    if (email === NO_DIGESTS) await rest.call('PATCH', '/api/notifications/preferences', { digest: false })
}

/** What the people of a run say names itself; of each text in a mail that name. */
export const textsIn = ({ text = '' }: ParsedMail): string[] => [...text.matchAll(SAID)].map(([said]) => said)

const SAID = /(?:says|edited) [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g
