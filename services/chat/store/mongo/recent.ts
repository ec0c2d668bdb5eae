/** A bounded memory that forgets what was used longest ago. Each value weighs something; the sum stays below `capacity`. */
export class Recent<V> {
  readonly #values = new Map<string, { value: V; weight: number }>()
  readonly #capacity: number
  #weight = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get(key: string): V | undefined {
    const found = this.#values.get(key)
    if (!found) return undefined
    this.#values.delete(key)
    this.#values.set(key, found)
    return found.value
  }

  set(key: string, value: V, weight = 1): void {
    this.delete(key)
    this.#values.set(key, { value, weight })
    this.#weight += weight
    for (const eldest of this.#values.keys()) {
      if (this.#weight <= this.#capacity) break
      this.delete(eldest)
    }
  }

  delete(key: string): void {
    const found = this.#values.get(key)
    if (!found) return
    this.#values.delete(key)
    this.#weight -= found.weight
  }

  clear(): void {
    this.#values.clear()
    this.#weight = 0
  }
}
