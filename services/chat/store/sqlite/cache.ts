/**
 * Keeps what was used lately, in two generations: when the younger one has grown to `limit`, the older one is forgotten.
 * So it holds between one and two times `limit`, at one look-up per use.
 */
export class Cache<Value> {
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()
  #weight = 0
  readonly #limit: number
  readonly #weigh: (value: Value) => number

  constructor(limit: number, weigh: (value: Value) => number = () => 1) {
    this.#limit = limit
    this.#weigh = weigh
  }

  get(key: string): Value | undefined {
    const found = this.#young.get(key)
    if (found !== undefined) return found
    const older = this.#old.get(key)
    if (older !== undefined) {
      this.#old.delete(key)
      this.set(key, older)
    }
    return older
  }

  set(key: string, value: Value): void {
    if (!this.#young.has(key)) this.#weight += this.#weigh(value)
    this.#young.set(key, value)
  }

  delete(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  /** Forgets the older generation if it is time. Not done by `set`, so that nothing goes in the middle of a transaction. */
  trim(): void {
    if (this.#weight < this.#limit) return
    this.#old = this.#young
    this.#young = new Map()
    this.#weight = 0
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
    this.#weight = 0
  }
}
