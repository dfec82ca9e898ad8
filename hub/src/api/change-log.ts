import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'

/** What the fleet view tells of: one kind for each list of the API. */
export const CHANGE_KINDS = ['applications', 'applicationsets', 'clusters', 'sources'] as const
export type ChangeKind = (typeof CHANGE_KINDS)[number]

export interface Told {
  readonly kind: ChangeKind
  readonly action: 'put' | 'delete'
  readonly name: string
  readonly object: unknown
}

export class Change {
  readonly number: number
  readonly kind: ChangeKind
  readonly action: 'put' | 'delete'
  readonly name: string
  readonly #object: unknown
  #text: string | undefined

  constructor(number: number, { kind, action, name, object }: Told) {
    this.number = number
    this.kind = kind
    this.action = action
    this.name = name
    this.#object = object
  }

  /**
   * The object's data as JSON text, made when the first watcher asks and once however many watch: ten thousand changes
   * that nobody watches would be fifteen megabytes of it. Canonical, because provenance may carry integers that
   * JSON.stringify refuses.
   */
  get text(): string {
    this.#text ??= canonicalJson(this.#object as Json)
    return this.#text
  }
}

/**
 * The last changes, numbered. It is the only buffer of all watchers: each remembers where it is, and one that falls
 * behind the oldest change that is kept has to begin anew.
 */
export class ChangeLog {
  /** Names this process's numbering: numbers of another run mean nothing here. */
  readonly run: string
  private readonly keep: number
  private readonly kept: Change[] = []
  private readonly listeners = new Set<() => void>()
  /** The number of the newest change; 0 before the first. */
  newest = 0

  constructor(run: string, keep = 10_000) {
    this.run = run
    this.keep = keep
  }

  append(changes: readonly Told[]): void {
    if (changes.length === 0) return
    for (const change of changes) {
      this.newest += 1
      this.kept.push(new Change(this.newest, change))
    }
    // In steps, so that a busy log does not move all of itself at each change.
    if (this.kept.length > this.keep * 2) this.kept.splice(0, this.kept.length - this.keep)
    for (const listener of this.listeners) listener()
  }

  /** `run-12`: what a watcher hands back to go on after change 12. */
  idOf(number: number): string {
    return `${this.run}-${number}`
  }

  /** The number in an id of this run; undefined for an id of another one, or for none at all. */
  numberOf(id: string): number | undefined {
    if (!id.startsWith(`${this.run}-`)) return undefined
    const digits = id.slice(this.run.length + 1)
    if (!/^\d{1,15}$/.test(digits)) return undefined
    const number = Number(digits)
    return number <= this.newest ? number : undefined
  }

  /** Whether everything after that number is still here. */
  holdsAfter(number: number): boolean {
    return number >= (this.kept[0]?.number ?? this.newest + 1) - 1
  }

  /** The change after that number; undefined at the end. */
  after(number: number): Change | undefined {
    const first = this.kept[0]
    return first === undefined ? undefined : this.kept[number + 1 - first.number]
  }

  /** Calls `listener` after each batch of changes; returns how to stop. */
  listen(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
}
