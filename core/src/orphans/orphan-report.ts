import { compareKeys } from '../inventory/inventory.ts'
import type { ObjectKey } from '../model/kubernetes-object.ts'

/** Orphans are named up to here, by group, kind and name; the others are counted. */
export const MOST_NAMED_ORPHANS = 50

/** Objects in an Application's namespace that no Application declares, as its agent last saw them. */
export interface OrphanReport {
  /** Whether the Project wants Applications to carry a condition. */
  readonly warn: boolean
  readonly count: number
  /** There are more than were counted: counting ended at a limit. */
  readonly more?: true
  /** The first of them, sorted. */
  readonly objects: readonly ObjectKey[]
  /** Kinds of which the agent could not list objects there, for want of the right to. */
  readonly unseenKinds: number
}

/** Takes orphans one by one, and keeps the first of them alone, however many there are. */
export class OrphanCount {
  #count = 0
  #first: ObjectKey[] = []

  add(key: ObjectKey): void {
    this.#count++
    this.#first.push(key)
    // Sorting now and then costs less than finding each one's place.
    if (this.#first.length >= 8 * MOST_NAMED_ORPHANS) this.#cut()
  }

  report(warn: boolean, unseenKinds: number, more: boolean): OrphanReport {
    this.#cut()
    return { warn, count: this.#count, ...(more && { more }), objects: this.#first, unseenKinds }
  }

  #cut(): void {
    this.#first = this.#first.sort(compareKeys).slice(0, MOST_NAMED_ORPHANS)
  }
}

/** `3 objects in namespace "shop" declared by no Application: ConfigMap left, …`, for the condition. */
export function orphanMessage({ count, more, objects }: OrphanReport, namespace: string): string {
  const amount = more ? `more than ${count}` : String(count)
  const noun = count === 1 && !more ? 'object' : 'objects'
  const named = objects.slice(0, NAMED_IN_MESSAGE).map(({ kind, name }) => `${kind} ${name}`)
  const rest = count > named.length ? ', …' : ''
  return `${amount} ${noun} in namespace "${namespace}" declared by no Application: ${named.join(', ')}${rest}`
}

const NAMED_IN_MESSAGE = 3
