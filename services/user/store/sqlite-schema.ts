import { CONTACTS_STEP } from './sqlite-contacts.ts'
import { DELETIONS_STEP, GONE_STEP } from './sqlite-deletions.ts'
import { MAIL_STEP } from './sqlite-mail.ts'
import { NAMES_STEP, PROFILES_STEP } from './sqlite-profiles.ts'
import { SECURITY_STEP } from './sqlite-security.ts'

/** The steps that make a SQLite file what this version needs. Forward only: a step once released is never edited or removed. They need `nameFunctions`. */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE users (
     id TEXT PRIMARY KEY,
     username TEXT NOT NULL,
     name_key TEXT NOT NULL UNIQUE,
     email TEXT NOT NULL,
     email_key TEXT NOT NULL UNIQUE,
     password_hash TEXT NOT NULL,
     created_at TEXT NOT NULL,
     request_key TEXT,
     announced INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE INDEX users_unannounced ON users (id) WHERE announced = 0;

   CREATE TABLE sessions (
     id TEXT PRIMARY KEY,
     user_id TEXT NOT NULL,
     name TEXT NOT NULL,
     created_at TEXT NOT NULL,
     last_used_at TEXT NOT NULL,
     current TEXT NOT NULL,
     previous TEXT,
     generation INTEGER NOT NULL,
     expires_at TEXT NOT NULL
   ) STRICT;
   CREATE INDEX sessions_user ON sessions (user_id, last_used_at);
   CREATE INDEX sessions_end ON sessions (expires_at);

   CREATE TABLE control (
     n INTEGER PRIMARY KEY,
     at TEXT NOT NULL,
     kind TEXT NOT NULL,
     user_id TEXT NOT NULL,
     session_id TEXT,
     reason TEXT
   ) STRICT;

   CREATE TABLE checks (id INTEGER PRIMARY KEY, at TEXT NOT NULL) STRICT;`,
  CONTACTS_STEP,
  MAIL_STEP,
  'ALTER TABLE sessions ADD COLUMN place TEXT',
  PROFILES_STEP,
  DELETIONS_STEP,
  GONE_STEP,
  SECURITY_STEP,
  NAMES_STEP,
]
