import { createContext, useContext } from 'react'
import type { Notices } from './notices.ts'

const NoticesContext = createContext<Notices | undefined>(undefined)

/** Gives the page's part in notices to everything below. */
export const NoticesProvider = NoticesContext.Provider

/** The page's part in notices. */
export function useNotices(): Notices {
  const notices = useContext(NoticesContext)
  if (!notices) throw new Error('There is no NoticesProvider above this component')
  return notices
}
