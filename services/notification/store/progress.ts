/** How far something that is read from elsewhere has been carried out. */
export interface ProgressStore {
  /** Undefined before anything was. */
  of(name: string): Promise<number | undefined>
  /** Carried out up to there: also backwards, where what is read was restored from a backup. */
  set(name: string, position: number): Promise<void>
}
