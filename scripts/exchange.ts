/** What the recorder writes down of a test run, one line of JSON for each. */
export type Exchange = (
  | {
      via: 'http'
      method: string
      url: string
      /** The pattern of the route that answered, as Express has it; absent where none did. */
      route?: string
      key?: string
      body?: unknown
      status: number
      contentType: string
      reply: string
    }
  | { via: 'ack'; event: string; data: unknown; ack: unknown }
  | { via: 'event'; event: string; data: unknown }
) & {
  /** The program that saw it. */
  seenBy: string
}
