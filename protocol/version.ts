import about from './package.json' with { type: 'json' }

/** The version of the interfaces that this package describes. */
export const VERSION = about.version
