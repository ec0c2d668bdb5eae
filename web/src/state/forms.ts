import { LIMITS } from '@parley/protocol/limits'
import { strings } from '../strings.ts'
import { codePoints } from './message-text.ts'

/** What is wrong with a form, by field; empty when nothing is. */
export type FieldErrors<F extends string> = Partial<Record<F, string>>

/** What can be said before the server is asked. */
export function checkRegister(values: Record<'username' | 'email' | 'password', string>) {
  const errors: FieldErrors<'username' | 'email' | 'password'> = {}
  if (!/^[\p{L}\p{M}\p{N}._-]{3,32}$/u.test(values.username.normalize('NFKC'))) errors.username = strings.check.username
  if (!/^\S+@\S+$/.test(values.email.trim())) errors.email = strings.check.email
  if (values.password.length < 8) errors.password = strings.check.password
  return errors
}

/** Only that there is something: what is right, the server knows. */
export function checkLogin(values: Record<'email' | 'password', string>) {
  const errors: FieldErrors<'email' | 'password'> = {}
  if (!values.email.trim()) errors.email = strings.check.required
  if (!values.password) errors.password = strings.check.required
  return errors
}

/** The old one only has to be there; the new one is held to what registration asks. */
export function checkNewPassword(values: Record<'oldPassword' | 'newPassword', string>) {
  const errors: FieldErrors<'oldPassword' | 'newPassword'> = {}
  if (!values.oldPassword) errors.oldPassword = strings.check.required
  if (values.newPassword.length < 8) errors.newPassword = strings.check.password
  return errors
}

/** What can be said of an address before a mail is sent there. */
export function checkEmail({ email }: Record<'email', string>) {
  const errors: FieldErrors<'email'> = {}
  if (!/^\S+@\S+$/.test(email.trim())) errors.email = strings.check.email
  return errors
}

/** Only that it is there. */
export function checkPassword({ password }: Record<'password', string>) {
  const errors: FieldErrors<'password'> = {}
  if (!password) errors.password = strings.check.required
  return errors
}

export function checkNewEmail({ email, password }: Record<'email' | 'password', string>) {
  const errors: FieldErrors<'email' | 'password'> = checkEmail({ email })
  if (!password) errors.password = strings.check.required
  return errors
}

export function checkReset({ newPassword }: Record<'newPassword', string>) {
  const errors: FieldErrors<'newPassword'> = {}
  if (newPassword.length < 8) errors.newPassword = strings.check.password
  return errors
}

/** What is wrong with the title of a group, if anything. */
export function checkTitle(title: string): string | undefined {
  if (!title.trim()) return strings.check.title
  return codePoints(title.trim()) > LIMITS.titleCodePoints ? strings.check.titleTooLong : undefined
}

/** What is wrong with the description of a group, if anything. */
export function checkDescription(text: string): string | undefined {
  return codePoints(text.trim()) > LIMITS.descriptionCodePoints ? strings.check.descriptionTooLong : undefined
}

/** What is wrong with a profile, by field. */
export function checkProfile(values: Record<'displayName' | 'bio' | 'status', string>) {
  const errors: FieldErrors<'displayName' | 'bio' | 'status'> = {}
  const most = {
    displayName: LIMITS.displayNameCodePoints,
    bio: LIMITS.bioCodePoints,
    status: LIMITS.statusCodePoints,
  }
  for (const field of ['displayName', 'bio', 'status'] as const)
    if (codePoints(values[field].trim()) > most[field]) errors[field] = strings.check.tooLong(most[field])
  return errors
}
