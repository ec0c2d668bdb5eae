import type { TestEvent } from 'node:test/reporters'

/** A reporter of node:test that writes nothing but the sums of the whole run, as one line of JSON. */
export default async function* counts(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type === 'test:summary' && event.data.file === undefined) yield JSON.stringify(event.data.counts)
  }
}
