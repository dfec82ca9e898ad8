/** Remembers the most recently used values, up to a total weight. */
export class BoundedMemo<Value> {
  readonly #maxWeight: number
  readonly #weigh: (value: Value) => number
  readonly #values = new Map<string, Value>()
  #weight = 0

  constructor(maxWeight: number, weigh: (value: Value) => number) {
    this.#maxWeight = maxWeight
    this.#weigh = weigh
  }

  get(key: string): Value | undefined {
    const value = this.#values.get(key)
    if (value !== undefined) {
      this.#values.delete(key)
      this.#values.set(key, value)
    }
    return value
  }

  delete(key: string): void {
    const old = this.#values.get(key)
    if (old === undefined) return
    this.#values.delete(key)
    this.#weight -= this.#weigh(old)
  }

  /** A value heavier than everything together may be is not kept. */
  set(key: string, value: Value): void {
    this.delete(key)
    const weight = this.#weigh(value)
    if (weight > this.#maxWeight) return
    this.#values.set(key, value)
    this.#weight += weight
    for (const [oldKey, oldValue] of this.#values) {
      if (this.#weight <= this.#maxWeight) break
      this.#values.delete(oldKey)
      this.#weight -= this.#weigh(oldValue)
    }
  }
}
