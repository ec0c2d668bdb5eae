import type { DatabaseSync } from 'node:sqlite'
import type { Write } from '@parley/kit/sqlite/writer'
import { wordsOf } from '@parley/protocol/name-words'
import { isOpen, privacyOf } from '@parley/protocol/profile'
import type { NamePlace, ProfileStore, StoredProfile } from './profiles.ts'
import type { Writes } from './sqlite-writes.ts'
import { nameRange } from './store.ts'

/** A new step of the schema. `keeps_back` is 1 for who is not open to all; it and `rev` are copies of what is in `profile`, to be searched by. */
export const PROFILES_STEP = `
  CREATE TABLE profiles (
    user_id TEXT PRIMARY KEY,
    rev INTEGER NOT NULL,
    told_rev INTEGER NOT NULL,
    keeps_back INTEGER NOT NULL,
    profile TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX profiles_untold ON profiles (user_id) WHERE told_rev < rev;
  CREATE INDEX profiles_keeping ON profiles (user_id) WHERE keeps_back = 1;`

/** A later step: an index of the words of display names, also of those that are there. */
export const NAMES_STEP = `
  CREATE TABLE profile_words (
    word TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (word, user_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX profile_words_user ON profile_words (user_id);
  INSERT INTO profile_words
    SELECT value, user_id FROM profiles, json_each(words_of(json_extract(profile, '$.displayName')));`

/** What the step asks for: the words of a display name as JSON. */
export function nameFunctions(db: DatabaseSync): void {
  db.function('words_of', { deterministic: true }, (name) => JSON.stringify(wordsOf(name as string | null)))
}

/** The statements that read, one indexed look-up each. */
export const PROFILE_READS = {
  profiles: 'SELECT * FROM profiles WHERE user_id IN (SELECT value FROM json_each(?))',
  keepingBack: 'SELECT * FROM profiles WHERE keeps_back = 1 AND user_id > ? ORDER BY user_id LIMIT ?',
  named:
    'SELECT word, user_id FROM profile_words WHERE word >= ? AND word < ? AND (word, user_id) > (?, ?) ORDER BY word, user_id LIMIT ?',
  untoldProfiles: 'SELECT * FROM profiles WHERE told_rev < rev LIMIT ?',
} as const

/** The writes, for the writer's thread. */
export function profileWrites(db: DatabaseSync) {
  const revOf = db.prepare('SELECT rev FROM profiles WHERE user_id = ?')
  const put = db.prepare(
    `INSERT INTO profiles (user_id, rev, told_rev, keeps_back, profile) VALUES (?, ?, 0, ?, ?)
     ON CONFLICT (user_id) DO UPDATE SET rev = excluded.rev, keeps_back = excluded.keeps_back, profile = excluded.profile`,
  )
  const tell = db.prepare('UPDATE profiles SET told_rev = max(told_rev, ?) WHERE user_id = ?')

  const erase = db.prepare('DELETE FROM profiles WHERE user_id = ?')
  const eraseWords = db.prepare('DELETE FROM profile_words WHERE user_id = ?')
  const putWord = db.prepare('INSERT INTO profile_words VALUES (?, ?)')

  return {
    eraseProfile(userId: string): void {
      erase.run(userId)
      eraseWords.run(userId)
    },
    saveProfile({ userId, toldRev: _, ...profile }: StoredProfile): boolean {
      if (Number(revOf.get(userId)?.rev ?? 0) !== profile.rev - 1) return false
      put.run(userId, profile.rev, isOpen(privacyOf(profile)) ? 0 : 1, JSON.stringify(profile))
      eraseWords.run(userId)
      for (const word of wordsOf(profile.displayName)) putWord.run(word, userId)
      return true
    },
    profilesTold(profiles: readonly { userId: string; rev: number }[]): void {
      for (const { userId, rev } of profiles) tell.run(rev, userId)
    },
  }
}

/** The profiles in the file that `db` reads and `writer` writes. */
export function sqliteProfiles(db: DatabaseSync, write: Write<Writes>): ProfileStore {
  const profiles = db.prepare(PROFILE_READS.profiles)
  const keepingBack = db.prepare(PROFILE_READS.keepingBack)
  const named = db.prepare(PROFILE_READS.named)
  const untoldProfiles = db.prepare(PROFILE_READS.untoldProfiles)
  return {
    find: async (userIds) => profiles.all(JSON.stringify(userIds)).map(profileOf),
    save: (profile) => write('saveProfile', profile),
    async named(prefix, after, limit) {
      const [from, below] = nameRange(prefix, undefined)
      return named
        .all(after?.word ?? from, below, after?.word ?? '', after?.userId ?? '', limit)
        .map((row): NamePlace => ({ word: String(row.word), userId: String(row.user_id) }))
    },
    erase: (userId) => write('eraseProfile', userId),
    keepingBack: async (after = '', limit) => keepingBack.all(after, limit).map(profileOf),
    untold: async (limit) => untoldProfiles.all(limit).map(profileOf),
    told: (told) => write('profilesTold', told),
  }
}

function profileOf(row: Record<string, unknown>): StoredProfile {
  const profile = JSON.parse(String(row.profile)) as Omit<StoredProfile, 'userId' | 'toldRev'> // as `saveProfile` wrote it
  return { userId: String(row.user_id), ...profile, toldRev: Number(row.told_rev) }
}
