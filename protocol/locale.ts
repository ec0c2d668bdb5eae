/** The languages that mail is written in (BCP 47). */
export const LOCALES = ['en', 'de'] as const
export type Locale = (typeof LOCALES)[number]
