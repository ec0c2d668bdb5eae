/** A running Parley, as the tests of the mission see it. Asked when a test runs, since it starts after the tests are named. */
export interface System {
  /** Where clients connect. */
  url(): string
  /** A partition whose sockets are placed on that chat node, 0, 1, …; where there is one process it is on that. */
  partition(node: number): number
}
